//! What a person is told when there is nothing else to show; each has an address without a code or state in it.

use crate::telemetry::chain;
use crate::web::{self, Language};

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The person said no at the vendor.
    Declined,
    /// Nobody asked for this consent, or not from this browser, or too long ago.
    NotAsked,
    /// The vendor did not take the code.
    CodeRefused,
    /// The company does not answer to the token it came with.
    NotThisCompany,
    /// Another company was chosen than the one to connect again.
    OtherCompany,
    /// Nobody confirmed the company in time, or it is confirmed already.
    TooLate,
    /// The company is not connected to this portal.
    NotLinked,
    /// There are no keys for companies of this kind.
    NoKeys,
    /// The app is not in the portal any more.
    NotInstalled,
    /// A form that is not from a page of ours, or whose session is over.
    FormRefused,
    /// Later.
    Unavailable,
    /// Installed from HubSpot's marketplace: nobody is signed in by that.
    Installed,
    /// The person cancelled a company that waited to be confirmed.
    Cancelled,
    /// Signed out.
    SignedOut,
    /// The app is out of the portal.
    Uninstalled,
}

impl Told {
    const ALL: [Self; 15] = [
        Self::Declined,
        Self::NotAsked,
        Self::CodeRefused,
        Self::NotThisCompany,
        Self::OtherCompany,
        Self::TooLate,
        Self::NotLinked,
        Self::NoKeys,
        Self::NotInstalled,
        Self::FormRefused,
        Self::Unavailable,
        Self::Installed,
        Self::Cancelled,
        Self::SignedOut,
        Self::Uninstalled,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::NotAsked => "not_asked",
            Self::CodeRefused => "code_refused",
            Self::NotThisCompany => "not_this_company",
            Self::OtherCompany => "other_company",
            Self::TooLate => "too_late",
            Self::NotLinked => "not_linked",
            Self::NoKeys => "no_keys",
            Self::NotInstalled => "not_installed",
            Self::FormRefused => "form_refused",
            Self::Unavailable => "unavailable",
            Self::Installed => "installed",
            Self::Cancelled => "cancelled",
            Self::SignedOut => "signed_out",
            Self::Uninstalled => "uninstalled",
        }
    }

    pub(super) fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|told| told.as_str() == word)
    }

    /// Where it is told.
    pub(super) fn address(self, path: &str) -> String {
        web::path(path, &[("told", self.as_str())])
    }

    pub(super) fn status(self) -> u16 {
        match self {
            Self::Declined | Self::Installed | Self::Cancelled | Self::SignedOut | Self::Uninstalled => 200,
            Self::NotAsked
            | Self::CodeRefused
            | Self::NotThisCompany
            | Self::OtherCompany
            | Self::TooLate
            | Self::NotLinked
            | Self::NoKeys => 400,
            Self::NotInstalled | Self::FormRefused => 403,
            Self::Unavailable => 503,
        }
    }

    /// The heading, and the sentence below it.
    pub(super) fn text(self, language: Language) -> (&'static str, &'static str) {
        let (english, french) = self.texts();
        (language.of_both(english.0, french.0), language.of_both(english.1, french.1))
    }

    fn texts(self) -> ((&'static str, &'static str), (&'static str, &'static str)) {
        match self {
            Self::Declined => (
                (
                    "Nothing was connected",
                    "You said no, so nothing was changed. You can begin again whenever you like.",
                ),
                (
                    "Rien n’a été connecté",
                    "Vous avez refusé : rien n’a été modifié. Vous pouvez recommencer quand vous voulez.",
                ),
            ),
            Self::NotAsked => (
                (
                    "This link is not good any more",
                    "A connection must be finished within ten minutes, once, in the browser where it was begun, and by the same person. Nothing was connected. If somebody sent you this link, do not use it; begin in the console.",
                ),
                (
                    "Ce lien n’est plus valable",
                    "Une connexion doit être terminée en dix minutes, une seule fois, dans le navigateur où elle a commencé et par la même personne. Rien n’a été connecté. Si quelqu’un vous a envoyé ce lien, ne l’utilisez pas ; commencez dans la console.",
                ),
            ),
            Self::CodeRefused => (
                (
                    "The connection was not accepted",
                    "The other side did not accept this connection; it may have been used already. Nothing was connected. Please begin again.",
                ),
                (
                    "La connexion n’a pas été acceptée",
                    "L’autre service n’a pas accepté cette connexion ; elle a peut-être déjà servi. Rien n’a été connecté. Veuillez recommencer.",
                ),
            ),
            Self::NotThisCompany => (
                (
                    "This company could not be confirmed",
                    "QuickBooks did not confirm that the connection is for the company that was named. Nothing was connected. Please begin again and choose the company at QuickBooks.",
                ),
                (
                    "Cette entreprise n’a pas pu être confirmée",
                    "QuickBooks n’a pas confirmé que la connexion concerne l’entreprise indiquée. Rien n’a été connecté. Veuillez recommencer et choisir l’entreprise chez QuickBooks.",
                ),
            ),
            Self::OtherCompany => (
                (
                    "That is another company",
                    "You were connecting a company again, and chose a different one at QuickBooks. Nothing was changed. Choose the same company, or connect the other one as a new company.",
                ),
                (
                    "C’est une autre entreprise",
                    "Vous reconnectiez une entreprise et en avez choisi une autre chez QuickBooks. Rien n’a été modifié. Choisissez la même entreprise, ou connectez l’autre comme nouvelle entreprise.",
                ),
            ),
            Self::TooLate => (
                (
                    "Nothing is waiting here",
                    "This company has been confirmed or cancelled already, or waited for more than ten minutes. Look at the companies in the console, or begin again.",
                ),
                (
                    "Rien n’est en attente ici",
                    "Cette entreprise a déjà été confirmée ou annulée, ou a attendu plus de dix minutes. Consultez les entreprises dans la console, ou recommencez.",
                ),
            ),
            Self::NotLinked => (
                (
                    "This company is not connected",
                    "The company is not connected to this HubSpot account. You can connect it as a new company in the console.",
                ),
                (
                    "Cette entreprise n’est pas connectée",
                    "L’entreprise n’est pas connectée à ce compte HubSpot. Vous pouvez la connecter comme nouvelle entreprise dans la console.",
                ),
            ),
            Self::NoKeys => (
                (
                    "No keys for QuickBooks",
                    "This installation has no keys for QuickBooks companies of this kind. Whoever operates it can add them.",
                ),
                (
                    "Pas de clés pour QuickBooks",
                    "Cette installation n’a pas de clés pour ce type d’entreprises QuickBooks. La personne qui l’exploite peut les ajouter.",
                ),
            ),
            Self::NotInstalled => (
                (
                    "The app is not installed any more",
                    "HubSpot no longer accepts the app in this account, so nothing was connected. Install it again; your companies and settings stay as they are.",
                ),
                (
                    "L’application n’est plus installée",
                    "HubSpot n’accepte plus l’application dans ce compte : rien n’a été connecté. Réinstallez-la ; vos entreprises et paramètres restent tels quels.",
                ),
            ),
            Self::FormRefused => (
                (
                    "Please try once more",
                    "This form was not sent from a page of this session, so nothing was changed. Open the page again and send it from there.",
                ),
                (
                    "Veuillez réessayer",
                    "Ce formulaire ne vient pas d’une page de cette session : rien n’a été modifié. Rouvrez la page et renvoyez-le.",
                ),
            ),
            Self::Unavailable => (
                (
                    "That did not work",
                    "Something did not answer in time. Please try again in a minute; doing it twice does no harm.",
                ),
                (
                    "Cela n’a pas fonctionné",
                    "Un service n’a pas répondu à temps. Veuillez réessayer dans une minute ; le faire deux fois est sans danger.",
                ),
            ),
            Self::Installed => (
                ("The app is installed", "To connect a QuickBooks company, sign in with HubSpot."),
                (
                    "L’application est installée",
                    "Pour connecter une entreprise QuickBooks, connectez-vous avec HubSpot.",
                ),
            ),
            Self::Cancelled => (
                ("Nothing was connected", "The company was not connected, and its tokens are deleted."),
                ("Rien n’a été connecté", "L’entreprise n’a pas été connectée et ses jetons sont supprimés."),
            ),
            Self::SignedOut => (
                ("You are signed out", "The connections stay as they are, and workflows go on."),
                (
                    "Vous êtes déconnecté",
                    "Les connexions restent telles quelles et les workflows continuent.",
                ),
            ),
            Self::Uninstalled => (
                (
                    "The app is uninstalled",
                    "All companies of this HubSpot account are disconnected and their tokens deleted. Documents in QuickBooks stay.",
                ),
                (
                    "L’application est désinstallée",
                    "Toutes les entreprises de ce compte HubSpot sont déconnectées et leurs jetons supprimés. Les documents dans QuickBooks restent.",
                ),
            ),
        }
    }
}

impl From<store::Error> for Told {
    fn from(error: store::Error) -> Self {
        tracing::error!(error = chain(&error), "the store failed");
        Self::Unavailable
    }
}

impl From<hubspot::oauth::Error> for Told {
    fn from(error: hubspot::oauth::Error) -> Self {
        tracing::error!(error = chain(&error), "HubSpot gave no tokens");
        Self::Unavailable
    }
}

impl From<hubspot::Error> for Told {
    fn from(error: hubspot::Error) -> Self {
        tracing::error!(error = chain(&error), "HubSpot did not answer");
        Self::Unavailable
    }
}

impl From<quickbooks::oauth::Error> for Told {
    fn from(error: quickbooks::oauth::Error) -> Self {
        tracing::error!(error = chain(&error), "Intuit did not do it");
        Self::Unavailable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_in_both_languages_at_its_own_address() {
        for told in Told::ALL {
            assert_eq!(Told::read(told.as_str()), Some(told));
            let (english, french) = (told.text(Language::English), told.text(Language::French));
            assert_ne!(english, french, "{told:?}");
            assert!(english.1.ends_with('.') && french.1.ends_with('.'), "{told:?}");
        }
        assert_eq!(Told::NotAsked.address("/connect/x"), "/connect/x?told=not_asked");
        assert_eq!(Told::read("<script>"), None);
    }
}

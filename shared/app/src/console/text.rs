//! Every text of the console, in both languages side by side: a page names a text by its key, and one that lacks a language
//! does not compile. In braces stand the places that [`fill`] fills.
//!
//! What HubSpot was told about an execution is stored in English and shown as it was told; [`meaning`] says in a few words,
//! in the reader's language, what its code means.

use crate::failure::Code;
use crate::web::Language;

macro_rules! texts {
    ($($key:ident: $english:literal, $french:literal;)*) => {
        /// The texts of one language.
        #[allow(missing_docs, reason = "each says itself what it is")]
        pub(crate) struct Texts {
            $(pub(crate) $key: &'static str,)*
        }

        const ENGLISH: Texts = Texts { $($key: $english,)* };
        const FRENCH: Texts = Texts { $($key: $french,)* };

        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$((stringify!($key), $english, $french),)*];
    };
}

/// The texts of a language.
pub(crate) fn texts(language: Language) -> &'static Texts {
    match language {
        Language::English => &ENGLISH,
        Language::French => &FRENCH,
    }
}

/// A text with its places filled, each by its name.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        filled.push_str(values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value));
        rest = after;
    }
    filled + rest
}

texts! {
    // All pages
    product: "QuickBooks for HubSpot", "QuickBooks pour HubSpot";
    skip: "Skip to the content", "Aller au contenu";
    main_menu: "Main menu", "Menu principal";
    companies: "Companies", "Entreprises";
    activity: "Activity", "Activité";
    signed_in_as: "Signed in as {user}", "Connecté en tant que {user}";
    portal: "HubSpot account {id}", "Compte HubSpot {id}";
    sign_out: "Sign out", "Se déconnecter";
    part_of: "You are here", "Vous êtes ici";
    back_to_console: "To the console", "Vers la console";
    none: "none", "aucun";
    footer: "Documents are created by your HubSpot workflows. This page shows what they did.",
        "Les documents sont créés par vos workflows HubSpot. Cette page montre ce qu’ils ont fait.";

    // What is not there or did not work
    not_found: "Not found", "Introuvable";
    not_found_text: "There is no such page.", "Cette page n’existe pas.";
    unavailable: "That did not work", "Cela n’a pas fonctionné";
    unavailable_text:
        "Something on our side did not answer. Nothing was changed that you cannot see; please try again in a minute.",
        "Un de nos services n’a pas répondu. Rien n’a été modifié à votre insu ; veuillez réessayer dans une minute.";
    form_refused: "Please try once more", "Veuillez réessayer";
    form_refused_text:
        "This form was not sent from a page of this session. Open the page again and send it from there.",
        "Ce formulaire ne vient pas d’une page de cette session. Rouvrez la page et renvoyez-le.";
    too_large: "Too much at once", "Trop volumineux";
    too_large_text: "What you sent is larger than anything this page takes.",
        "Ce que vous avez envoyé dépasse ce que cette page accepte.";

    // Notices
    done_renamed: "The company has a new name here.", "L’entreprise a un nouveau nom ici.";
    done_default: "The default company was changed. Executions that began before keep the company they have.",
        "L’entreprise par défaut a été changée. Les exécutions déjà commencées gardent la leur.";
    done_settings: "The settings are saved. Executions that begin from now on follow them.",
        "Les paramètres sont enregistrés. Les exécutions qui commencent à partir de maintenant les suivent.";
    done_retried: "The execution is tried again. This is the new one.",
        "L’exécution est relancée. Voici la nouvelle.";
    done_retried_before: "It was retried before. This is that execution.",
        "Elle avait déjà été relancée. Voici cette exécution.";
    done_connected: "The company is connected.", "L’entreprise est connectée.";
    done_disconnected: "The company is disconnected.", "L’entreprise est déconnectée.";
    overtaken: "Nothing was changed: the company was disconnected, or somebody else changed this a moment ago. This is how it stands now.",
        "Rien n’a été modifié : l’entreprise a été déconnectée, ou une autre personne vient de modifier ceci. Voici l’état actuel.";

    // Companies
    connect: "Connect to QuickBooks", "Connecter à QuickBooks";
    connect_sandbox: "Connect a sandbox company", "Connecter une entreprise de test";
    connect_another: "Connect another company", "Connecter une autre entreprise";
    companies_none: "No QuickBooks company is connected yet",
        "Aucune entreprise QuickBooks n’est encore connectée";
    companies_none_text:
        "Connect the company your workflows create invoices, estimates and sales receipts in. You can connect more than one and choose among them in each workflow action.",
        "Connectez l’entreprise dans laquelle vos workflows créent factures, devis et reçus de vente. Vous pouvez en connecter plusieurs et choisir parmi elles dans chaque action de workflow.";
    companies_intro: "Workflow actions create their documents in these QuickBooks companies.",
        "Les actions de workflow créent leurs documents dans ces entreprises QuickBooks.";
    default: "Default", "Par défaut";
    sandbox: "Sandbox", "Test";
    status_ok: "Connected", "Connectée";
    status_ending: "Ends soon", "Prend fin bientôt";
    status_ended: "Connect again", "À reconnecter";
    status_ended_text:
        "QuickBooks no longer accepts this connection: it was ended there, or it has expired. Nothing can be created in this company until it is connected again.",
        "QuickBooks n’accepte plus cette connexion : elle y a été interrompue ou a expiré. Rien ne peut être créé dans cette entreprise tant qu’elle n’est pas reconnectée.";
    no_default: "No company is the default. Workflow actions that choose the default company fail until there is one.",
        "Aucune entreprise n’est celle par défaut. Les actions de workflow qui la choisissent échouent tant qu’il n’y en a pas.";
    hubspot_ended:
        "HubSpot no longer accepts the app’s connection. Install the app again; your companies and settings stay as they are.",
        "HubSpot n’accepte plus la connexion de l’application. Réinstallez-la ; vos entreprises et paramètres restent tels quels.";
    install_again: "Install again", "Réinstaller";
    connected_by: "Connected by", "Connectée par";
    connected_on: "Connected on", "Connectée le";
    last_used: "Last used", "Dernière utilisation";
    never: "not yet", "pas encore";
    ends_unused: "Ends if unused for", "Prend fin si inutilisée pendant";
    ends_whatever: "Must be renewed within", "À renouveler d’ici";
    days_one: "{count} day", "{count} jour";
    days_many: "{count} days", "{count} jours";
    ends_unused_note: "We use every connection once a week, so that it does not end.",
        "Nous utilisons chaque connexion une fois par semaine, pour qu’elle ne prenne pas fin.";
    home_currency: "Home currency", "Devise de référence";
    metered_month: "Reads this month", "Lectures ce mois-ci";
    metered_text: "How often this app has read from the company in QuickBooks this month. Intuit meters such reads; creating documents is not metered.",
        "Combien de fois cette application a lu des données de l’entreprise dans QuickBooks ce mois-ci. Intuit décompte ces lectures ; créer des documents n’est pas décompté.";
    manage: "Manage", "Gérer";
    manage_company: "Manage {name}", "Gérer {name}";
    reconnect: "Reconnect", "Reconnecter";
    reconnect_company: "Reconnect {name}", "Reconnecter {name}";
    disconnect: "Disconnect", "Déconnecter";
    make_default: "Make default", "Choisir par défaut";
    make_default_text:
        "Workflow actions with the choice “Default company” use the default from then on.",
        "Les actions de workflow dont le choix est « Entreprise par défaut » l’utiliseront dès lors.";
    is_default_text: "Workflow actions with the choice “Default company” use this company.",
        "Les actions de workflow dont le choix est « Entreprise par défaut » utilisent cette entreprise.";
    name: "Name", "Nom";
    name_text: "What the company is called here and in the lists of the workflow editor. QuickBooks is not changed.",
        "Le nom de l’entreprise ici et dans les listes de l’éditeur de workflows. QuickBooks n’est pas modifié.";
    rename: "Rename", "Renommer";
    name_wrong: "A name has 1 to 100 characters, on one line.", "Un nom a de 1 à 100 caractères, sur une ligne.";
    connection: "Connection", "Connexion";
    disconnect_title: "Disconnect {name}?", "Déconnecter {name} ?";
    disconnect_text:
        "Workflow actions can no longer create documents in this company. Its documents stay in QuickBooks, and its activity stays here. What is already being sent waits until the same company is connected again.",
        "Les actions de workflow ne pourront plus créer de documents dans cette entreprise. Ses documents restent dans QuickBooks, et son activité reste ici. Ce qui est en cours d’envoi attend que la même entreprise soit reconnectée.";
    disconnect_default_text: "This is the default company: there will be none until you choose another.",
        "C’est l’entreprise par défaut : il n’y en aura plus tant que vous n’en choisirez pas une autre.";
    disconnect_yes: "Disconnect the company", "Déconnecter l’entreprise";
    disconnect_no: "Keep it connected", "La garder connectée";

    // Uninstall
    uninstall: "Uninstall the app", "Désinstaller l’application";
    uninstall_title: "Uninstall the app?", "Désinstaller l’application ?";
    uninstall_text:
        "All companies are disconnected, the app is removed from this HubSpot account, and everybody is signed out. Documents stay in QuickBooks. Workflow actions fail until somebody installs the app and connects the companies again.",
        "Toutes les entreprises sont déconnectées, l’application est retirée de ce compte HubSpot et tout le monde est déconnecté. Les documents restent dans QuickBooks. Les actions de workflow échouent jusqu’à ce que quelqu’un réinstalle l’application et reconnecte les entreprises.";
    uninstall_yes: "Uninstall the app now", "Désinstaller maintenant";
    uninstall_no: "Keep the app", "Garder l’application";

    // Settings
    settings: "Settings", "Paramètres";
    settings_text: "Settings are one JSON file: export it, change it, and import it here or for another company. What changes is shown before anything is saved.",
        "Les paramètres sont un fichier JSON : exportez-le, modifiez-le et importez-le ici ou pour une autre entreprise. Les changements sont montrés avant tout enregistrement.";
    settings_open: "Export and import", "Exporter et importer";
    settings_of: "Settings of {name}", "Paramètres de {name}";
    settings_export: "Export as a file", "Exporter dans un fichier";
    settings_import: "Import", "Importer";
    settings_paste: "Settings as JSON", "Paramètres en JSON";
    settings_file: "Or choose a file", "Ou choisissez un fichier";
    settings_file_note: "A chosen file takes the place of the text above.",
        "Un fichier choisi remplace le texte ci-dessus.";
    settings_check: "Show what changes", "Montrer les changements";
    settings_wrong: "The file cannot be used yet", "Le fichier ne peut pas encore être utilisé";
    settings_wrong_text: "Nothing was saved. Correct the text below and try again.",
        "Rien n’a été enregistré. Corrigez le texte ci-dessous et réessayez.";
    settings_diff: "What would change", "Ce qui changerait";
    settings_same: "Nothing would change: the file says what is chosen already.",
        "Rien ne changerait : le fichier correspond aux choix actuels.";
    settings_save: "Save these settings", "Enregistrer ces paramètres";
    settings_edit: "Change the text", "Modifier le texte";
    settings_overtaken:
        "Somebody else saved settings for this company meanwhile. Compare your file with what is chosen now, then save it if you still want to.",
        "Une autre personne a enregistré des paramètres pour cette entreprise entre-temps. Comparez votre fichier avec les choix actuels, puis enregistrez-le si vous le souhaitez toujours.";
    settings_fields: "What can be set", "Ce qui se règle";
    setting: "Setting", "Paramètre";
    today: "Today", "Aujourd’hui";
    then: "Then", "Ensuite";
    explain_version: "Which form the file has: 1.", "La forme du fichier : 1.";
    explain_fee_item: "The ID of the QuickBooks product that the fees of a quote are put on, such as \"31\"; null for none.",
        "L’identifiant du produit QuickBooks sur lequel portent les frais d’un devis, par exemple \"31\" ; null pour aucun.";
    explain_default_item: "The ID of the QuickBooks product for line items that match none, where the workflow action allows that, and for deals billed by their amount; null for none.",
        "L’identifiant du produit QuickBooks pour les lignes de produit qui ne correspondent à aucun, si l’action de workflow le permet, et pour les transactions facturées à leur montant ; null pour aucun.";
    explain_income_account: "The ID of the QuickBooks account, of type Income, that products are booked to which a workflow action creates; null for none.",
        "L’identifiant du compte QuickBooks, de type Revenus, où sont comptabilisés les produits qu’une action de workflow crée ; null pour aucun.";
    explain_no_line_items: "What to do with a deal that has no line items: \"refuse\" creates nothing, \"deal_amount\" puts the amount of the deal on one line, with the default product.",
        "Que faire d’une transaction sans lignes de produit : \"refuse\" ne crée rien, \"deal_amount\" porte le montant de la transaction sur une ligne, avec le produit par défaut.";
    explain_totals: "What to do when the amount of the deal or quote is not what its line items come to: \"warn\" creates the document and says so, \"refuse\" creates nothing.",
        "Que faire si le montant de la transaction ou du devis n’est pas celui de ses lignes de produit : \"warn\" crée le document et le signale, \"refuse\" ne crée rien.";
    explain_tax: "Who decides on tax: \"quickbooks\" (the sales tax of the company, or outside the United States the default tax code), \"hubspot\" (the tax rates in HubSpot, with the tax codes of \"tax_codes\"), or \"none\": documents are not taxed.",
        "Qui décide de la taxe : \"quickbooks\" (la taxe de vente de l’entreprise ou, hors des États-Unis, le code de taxe par défaut), \"hubspot\" (les taux de taxe de HubSpot, avec les codes de \"tax_codes\") ou \"none\" : les documents ne sont pas taxés.";
    explain_default_tax_code: "The ID of the QuickBooks tax code of what has none of its own, such as \"5\": of every line outside the United States, of the document where sales tax is kept by hand; null for none.",
        "L’identifiant du code de taxe QuickBooks de ce qui n’en a pas, par exemple \"5\" : de chaque ligne hors des États-Unis, du document là où la taxe de vente est gérée à la main ; null pour aucun.";
    explain_tax_codes: "With \"tax\" = \"hubspot\": the QuickBooks tax code of each tax rate in HubSpot, by percentage or by the ID of the rate: {\"20\": \"5\", \"id 4711\": \"6\"}. Where sales tax is automated, the amount of HubSpot counts and none is needed.",
        "Avec \"tax\" = \"hubspot\" : le code de taxe QuickBooks de chaque taux de taxe dans HubSpot, sous forme d’objet dont les clés sont des pourcentages (\"20\") ou des identifiants de taux (\"id 4711\"), les valeurs des identifiants de codes (\"5\"). Là où la taxe de vente est automatique, le montant de HubSpot compte et aucun n’est nécessaire.";
    explain_discounts: "What becomes of the discounts of line items: \"net\" takes each off its line, which says so; \"document\" leaves the lines at their full price and puts all discounts on one line of the document.",
        "Ce que deviennent les remises des lignes de produit : \"net\" déduit chacune de sa ligne, qui le signale ; \"document\" laisse les lignes à leur prix plein et réunit toutes les remises sur une ligne du document.";
    explain_amounts: "Outside the United States: whether the amounts in HubSpot are \"net\", so that tax comes on top, or \"gross\", holding the tax of their tax code.",
        "Hors des États-Unis : si les montants dans HubSpot sont hors taxes (\"net\"), la taxe s’y ajoutant, ou toutes taxes comprises (\"gross\"), au taux de leur code de taxe.";
    explain_document_number: "Where the numbers of documents come from: \"quickbooks\"; \"prefix INV-\", the record’s ID behind a text of your own; or \"property po_number\", a property of the deal or quote.",
        "D’où viennent les numéros des documents : \"quickbooks\" ; \"prefix INV-\", l’identifiant de la fiche précédé de votre texte ; ou \"property po_number\", une propriété de la transaction ou du devis.";
    explain_memo: "What customers read below the lines of a document; names of HubSpot properties in braces are filled in from the deal or quote; null for nothing.",
        "Ce que les clients lisent sous les lignes d’un document ; les noms de propriétés HubSpot entre accolades sont remplacés par les valeurs de la transaction ou du devis ; null pour rien.";
    explain_terms: "The ID of the QuickBooks terms of an invoice whose workflow action names no number of days; null for those of the customer or company.",
        "L’identifiant des conditions QuickBooks d’une facture dont l’action de workflow ne fixe pas de nombre de jours ; null pour celles du client ou de l’entreprise.";
    explain_class: "The ID of the QuickBooks class of documents, or of their lines, as the company tracks them; null for none.",
        "L’identifiant de la classe QuickBooks des documents, ou de leurs lignes, selon le suivi de l’entreprise ; null pour aucune.";
    explain_location: "The ID of the QuickBooks location of documents, where the company tracks locations; null for none.",
        "L’identifiant du lieu QuickBooks des documents, si l’entreprise suit les lieux ; null pour aucun.";
    explain_bill: "\"contact\" bills the record’s contact, \"company\" its HubSpot company: the primary one, or the only one.",
        "\"contact\" facture le contact de l’enregistrement, \"company\" son entreprise HubSpot : la principale, ou la seule.";
    explain_cc: "Who gets a copy of each document that QuickBooks e-mails: addresses, separated by commas, at most 100 characters; null for nobody.",
        "Qui reçoit une copie de chaque document que QuickBooks envoie par e-mail : des adresses séparées par des virgules, 100 caractères au plus ; null pour personne.";
    explain_bcc: "The same, unseen by the other recipients.",
        "De même, à l’insu des autres destinataires.";
    explain_card_payment: "Whether invoices can be paid online by card: \"yes\", \"no\", or \"quickbooks\" as set in QuickBooks. It takes QuickBooks Payments.",
        "Si les factures peuvent être payées en ligne par carte : \"yes\", \"no\", ou \"quickbooks\" selon le réglage dans QuickBooks. Il faut QuickBooks Payments.";
    explain_bank_payment: "The same, from a bank account.",
        "De même, depuis un compte bancaire.";
    explain_service_dates: "\"billing_start\" gives each line the date on which its billing starts in HubSpot as its service date; \"none\" gives it none.",
        "\"billing_start\" donne à chaque ligne, comme date de prestation, la date de début de sa facturation dans HubSpot ; \"none\" ne lui en donne pas.";
    explain_ship_date: "The internal name of a HubSpot property of the record that holds the shipping date; null for none.",
        "Le nom interne d’une propriété HubSpot de l’enregistrement qui contient la date d’expédition ; null pour aucune.";
    explain_custom_fields: "At most three custom fields of QuickBooks’ sales forms by name, each with a text in which names of HubSpot properties may stand in braces, such as {\"PO #\": \"{po_number}\"}; {} for none.",
        "Au plus trois champs personnalisés des formulaires de vente QuickBooks, désignés par leur nom, chacun avec un texte où des noms de propriétés HubSpot peuvent figurer entre accolades, par exemple \"{po_number}\" pour \"PO #\" ; {} pour aucun.";
    explain_payment_methods: "Which QuickBooks payment method HubSpot’s words mean, by ID, such as {\"card\": \"4\"}; a word that is not named means the payment method of the same name.",
        "Le mode de paiement QuickBooks que désignent les mots de HubSpot, par identifiant, par exemple \"4\" pour \"card\" ; un mot absent désigne le mode de paiement du même nom.";
    wrong_too_large: "The file is larger than 64 KB.", "Le fichier dépasse 64 Ko.";
    wrong_not_json: "This is not JSON: line {line}, column {column}. Look for a missing quote, comma or brace.",
        "Ceci n’est pas du JSON : ligne {line}, colonne {column}. Cherchez un guillemet, une virgule ou une accolade manquante.";
    wrong_not_an_object: "The file must be an object: it begins with { and ends with }.",
        "Le fichier doit être un objet : il commence par { et se termine par }.";
    wrong_not_text: "The file is not text in UTF-8.", "Le fichier n’est pas un texte en UTF-8.";
    wrong_twice: "stands there twice. Keep one of the two.", "y figure deux fois. Gardez-en une.";
    wrong_unknown: "is no setting. There are: {known}. Correct the name or remove it.",
        "n’est pas un paramètre. Il y a : {known}. Corrigez le nom ou supprimez-le.";
    wrong_version: "must be the number 1, the form this release reads.",
        "doit être le nombre 1, la forme que lit cette version.";
    wrong_word: "must be one of: {words}, in quotes.", "doit être l’un de ces mots, entre guillemets : {words}.";
    wrong_number_rule: "must be \"quickbooks\", \"prefix\" with a space and 1 to 8 characters behind it, or \"property\" with a space and the internal name of a HubSpot property.",
        "doit être \"quickbooks\", \"prefix\" suivi d’une espace et de 1 à 8 caractères, ou \"property\" suivi d’une espace et du nom interne d’une propriété HubSpot.";
    wrong_template: "must be a text of at most 1000 characters in quotes, each brace around the internal name of a HubSpot property, or null.",
        "doit être un texte d’au plus 1000 caractères entre guillemets, chaque accolade entourant le nom interne d’une propriété HubSpot, ou null.";
    wrong_addresses: "must be one or more e-mail addresses, separated by commas and at most 100 characters together, in quotes, or null.",
        "doit être une ou plusieurs adresses e-mail, séparées par des virgules et de 100 caractères au plus ensemble, entre guillemets, ou null.";
    wrong_property: "must be the internal name of a HubSpot property, in quotes, or null.",
        "doit être le nom interne d’une propriété HubSpot, entre guillemets, ou null.";
    wrong_custom_fields: "must be an object of at most three names of custom fields, 1 to 30 characters each, and for each a text in quotes, each of its braces around the internal name of a HubSpot property.",
        "doit être un objet d’au plus trois noms de champs personnalisés, de 1 à 30 caractères chacun, avec pour chacun un texte entre guillemets dont chaque accolade entoure le nom interne d’une propriété HubSpot.";
    wrong_payment_methods: "must be an object of HubSpot’s words for payment methods, such as \"card\", each with an ID of QuickBooks in quotes.",
        "doit être un objet des mots de HubSpot pour les modes de paiement, par exemple \"card\", avec pour chacun un identifiant QuickBooks entre guillemets.";
    wrong_rates: "must be an object of tax rates and tax codes, such as {\"20\": \"5\"}.",
        "doit être un objet dont les clés sont des taux de taxe (\"20\") et les valeurs des codes de taxe (\"5\").";
    wrong_rate: "has the key “{key}”, which is neither a percentage such as \"20\" nor \"id\" with a space and the ID of a HubSpot tax rate.",
        "contient la clé « {key} », qui n’est ni un pourcentage comme \"20\" ni \"id\" suivi d’une espace et de l’identifiant d’un taux de taxe HubSpot.";
    wrong_tax_code: "gives the key “{key}” no ID of a QuickBooks tax code in quotes, such as \"5\".",
        "ne donne pas à la clé « {key} » l’identifiant d’un code de taxe QuickBooks entre guillemets, par exemple \"5\".";
    wrong_key_twice: "has the key “{key}” twice, perhaps written in another way. Keep one of the two.",
        "contient deux fois la clé « {key} », peut-être écrite autrement. Gardez-en une.";
    wrong_id: "must be an ID of QuickBooks in quotes, such as \"31\", or null for none.",
        "doit être un identifiant QuickBooks entre guillemets, par exemple \"31\", ou null pour aucun.";

    // Activity
    activity_intro: "Every execution of a workflow action, newest first. Times are those of your HubSpot account ({zone}).",
        "Chaque exécution d’une action de workflow, la plus récente d’abord. Les heures sont celles de votre compte HubSpot ({zone}).";
    filter: "Show", "Afficher";
    filter_all: "All", "Toutes";
    filter_working: "In progress", "En cours";
    filter_done: "Done", "Terminées";
    filter_failed: "Failed", "Échouées";
    filter_review: "To review", "À vérifier";
    activity_none: "Nothing here yet", "Rien ici pour l’instant";
    activity_none_text: "As soon as a workflow runs one of the QuickBooks actions, you see here what came of it.",
        "Dès qu’un workflow exécute une des actions QuickBooks, vous voyez ici ce qu’il en est advenu.";
    activity_none_in_state: "No execution is in this state.", "Aucune exécution n’est dans cet état.";
    activity_searching: "None found so far among the newest; older ones may be in this state.",
        "Aucune trouvée parmi les plus récentes ; de plus anciennes peuvent être dans cet état.";
    older: "Older", "Plus anciennes";
    newest: "Newest", "Les plus récentes";
    when: "When", "Quand";
    result: "Result", "Résultat";
    record: "Record", "Enregistrement";
    document: "Document", "Document";
    company: "Company", "Entreprise";
    total: "Total", "Total";
    details: "Details", "Détails";

    // Results
    working: "In progress", "En cours";
    created: "Created", "Créé";
    existing: "Existed already", "Existait déjà";
    preview: "Preview", "Aperçu";
    paid: "Created, paid", "Créé, payé";
    partly_paid: "Payment refused", "Paiement refusé";
    failed: "Failed", "Échec";
    review: "To review", "À vérifier";
    closed: "Closed", "Clos";

    // A preview
    preview_heading: "What would be created", "Ce qui serait créé";
    preview_text: "Nothing was created. A run that creates sends this document, with a marker and a date of its own.",
        "Rien n’a été créé. Une exécution qui crée envoie ce document, avec son propre repère et sa propre date.";
    customer: "Customer", "Client";
    customer_link: "remembered from an earlier document", "retenu d’un document précédent";
    customer_email: "same e-mail address", "même adresse e-mail";
    customer_name_match: "same name", "même nom";
    customer_new: "would be created", "serait créé";
    line: "Line", "Ligne";
    quantity: "Quantity", "Quantité";
    line_amount: "Amount", "Montant";
    product_found: "Product", "Produit";
    why: "Why", "Pourquoi";
    item_link: "remembered from an earlier document", "retenu d’un document précédent";
    item_sku: "same SKU", "même UGS";
    item_full_name: "same full name", "même nom complet";
    item_name_match: "same name", "même nom";
    item_default: "default product of the settings", "produit par défaut des paramètres";
    item_fee: "product for fees of the settings", "produit des frais des paramètres";
    item_new: "would be created", "serait créé";
    payment_to_come: "Payment that would follow", "Paiement qui suivrait";
    payment_limit: "{amount}, at most what QuickBooks says is owed",
        "{amount}, au plus ce qui est dû d’après QuickBooks";
    document_sent: "The document as it would be sent to QuickBooks",
        "Le document tel qu’il serait envoyé à QuickBooks";

    // One execution
    deal: "Deal {id}", "Transaction {id}";
    quote: "Quote {id}", "Devis HubSpot {id}";
    billed: "Billed in HubSpot", "Facturé dans HubSpot";
    contact: "Contact {id}", "Contact HubSpot {id}";
    hubspot_company: "Company {id}", "Entreprise {id}";
    invoice: "Invoice", "Facture";
    estimate: "Estimate", "Devis";
    sales_receipt: "Sales receipt", "Reçu de vente";
    execution: "Execution", "Exécution";
    workflow: "Workflow", "Workflow";
    unknown_company: "{realm}, not connected any more", "{realm}, n’est plus connectée";
    told_in_english: "The sentence is what HubSpot’s workflow history was told.",
        "La phrase est celle de l’historique du workflow dans HubSpot, en anglais.";
    what_to_do: "What to do", "Que faire";
    review_document:
        "Look in QuickBooks for a document of this customer and day. Ours holds the text {marker} in its private note.",
        "Cherchez dans QuickBooks un document de ce client et de ce jour. Le nôtre contient le texte {marker} dans sa note interne.";
    review_found:
        "If it is there, nothing is left to do. If it is not, enroll the record again in HubSpot, with the action set to create another one: set to stop or to continue with an existing one, it fails as long as this execution is in review.",
        "S’il s’y trouve, il n’y a plus rien à faire. Sinon, inscrivez de nouveau l’enregistrement dans HubSpot, avec l’action réglée pour en créer un autre exemplaire : réglée pour s’arrêter ou continuer avec l’existant, elle échoue tant que cette exécution est à vérifier.";
    review_payment:
        "The document exists. Look at its payments in QuickBooks: ours holds the text {marker} in its private note. Record the payment by hand if it is missing; do not enroll the record again.",
        "Le document existe. Regardez ses paiements dans QuickBooks : le nôtre contient le texte {marker} dans sa note interne. Saisissez le paiement à la main s’il manque ; n’inscrivez pas de nouveau l’enregistrement.";
    retry: "Retry", "Relancer";
    retry_failed_text:
        "First correct what the reason says. A new execution then reads the record afresh, with the same inputs, in the same company. It can be retried once; the new one again.",
        "Corrigez d’abord ce que dit la raison. Une nouvelle exécution relit alors l’enregistrement, avec les mêmes entrées, dans la même entreprise. Elle peut être relancée une fois ; la nouvelle aussi.";
    retry_payment_text:
        "The document exists and stays. A new execution tries its payment again.",
        "Le document existe et demeure. Une nouvelle exécution tente de nouveau son paiement.";
    retried_by: "Retried as", "Relancée par";
    retry_of: "Retry of", "Relance de";
    retry_refused: "This execution cannot be retried: it is not finished, it succeeded, or it was retried already.",
        "Cette exécution ne peut pas être relancée : elle n’est pas terminée, a réussi ou a déjà été relancée.";
    attempts: "Attempts", "Tentatives";
    started: "Asked for", "Demandée";
    deliveries: "Deliveries by HubSpot", "Appels de HubSpot";
    taken_up: "Taken up", "Prise en charge";
    times: "{count} ×", "{count} ×";
    sends: "Sent to QuickBooks", "Envoyée à QuickBooks";
    first_sent: "First sent", "Premier envoi";
    payment_sent: "Payment first sent", "Premier envoi du paiement";
    metered: "Metered reads of QuickBooks", "Lectures QuickBooks décomptées";
    replanned: "Planned anew", "Planifiée de nouveau";
    waits_until: "HubSpot waits until", "HubSpot attend jusqu’à";
    told_early: "HubSpot told to review", "HubSpot prié de vérifier";
    last_trouble: "Last obstacle", "Dernier obstacle";
    state: "State", "État";
    identifiers: "Identifiers", "Identifiants";
    identifiers_text: "Support at Intuit and HubSpot asks for these.",
        "Les services d’assistance d’Intuit et de HubSpot les demandent.";
    execution_id: "Execution ID", "Identifiant d’exécution";
    marker: "Marker in QuickBooks", "Repère dans QuickBooks";
    request_id: "Request ID", "Identifiant de requête";
    intuit_tid: "Intuit’s call ID", "Identifiant d’appel d’Intuit";
    outputs: "Outputs of the action", "Sorties de l’action";
    outputs_text: "What later steps of the workflow can use.",
        "Ce que les étapes suivantes du workflow peuvent utiliser.";
    inputs: "Inputs of the action", "Entrées de l’action";
    warnings: "Warnings", "Avertissements";
}

/// What a failure's code means, in a few words.
pub(crate) fn meaning(code: &str, language: Language) -> Option<&'static str> {
    let code = Code::ALL.into_iter().find(|known| known.as_str() == code)?;
    let (english, french) = match code {
        Code::NotConnected => ("No company connected", "Aucune entreprise connectée"),
        Code::ConnectionExpired => ("Connection ended", "Connexion interrompue"),
        Code::CompanyNotLinked => ("Company not connected", "Entreprise non connectée"),
        Code::CompanyReadOnly => ("Company is read-only", "Entreprise en lecture seule"),
        Code::RecordNotFound => ("Record not found", "Enregistrement introuvable"),
        Code::RecordTypeUnsupported => ("Not a deal or quote", "Ni transaction ni devis"),
        Code::InputInvalid => ("Input of the action", "Entrée de l’action"),
        Code::NoContact => ("No contact", "Aucun contact"),
        Code::NoCompany => ("No company to bill", "Aucune entreprise à facturer"),
        Code::ContactIncomplete => ("Contact incomplete", "Contact incomplet"),
        Code::CustomerAmbiguous => ("Several customers fit", "Plusieurs clients possibles"),
        Code::CustomerInactive => ("Customer inactive", "Client inactif"),
        Code::NameTaken => ("Name taken", "Nom déjà pris"),
        Code::NoLineItems => ("No line items", "Aucune ligne"),
        Code::LineInvalid => ("Line unusable", "Ligne inutilisable"),
        Code::AdjustmentInvalid => ("Discount, fee or tax unusable", "Remise, frais ou taxe inutilisables"),
        Code::PaymentInvalid => ("Payment unusable", "Paiement inutilisable"),
        Code::RecordTooLarge => ("Too large for one document", "Trop pour un seul document"),
        Code::ItemNotFound => ("Product missing", "Produit manquant"),
        Code::ItemAmbiguous => ("Several products fit", "Plusieurs produits possibles"),
        Code::ItemInactive => ("Product inactive", "Produit inactif"),
        Code::SettingMissing => ("Setting missing", "Paramètre manquant"),
        Code::TaxUnmapped => ("Tax code missing", "Code de taxe manquant"),
        Code::CurrencyMismatch => ("Currencies differ", "Devises différentes"),
        Code::ExchangeRateMissing => ("Exchange rate missing", "Taux de change manquant"),
        Code::TotalMismatch => ("Totals differ", "Totaux différents"),
        Code::PeriodClosed => ("Books closed", "Exercice clos"),
        Code::DuplicateNumber => ("Number taken", "Numéro déjà pris"),
        Code::FeatureOff => ("Feature off", "Fonction désactivée"),
        Code::AlreadyCreated => ("Created already", "Déjà créé"),
        Code::PaymentRefused => ("Payment refused", "Paiement refusé"),
        Code::NotPaid => ("Payment not received", "Paiement non reçu"),
        Code::PermissionMissing => ("Permission missing", "Autorisation manquante"),
        Code::QuickBooksRefused => ("Refused by QuickBooks", "Refusé par QuickBooks"),
        Code::Throttled => ("Limit reached", "Limite atteinte"),
        Code::UpstreamDown => ("No answer", "Aucune réponse"),
        Code::InProgress => ("Outcome unclear so far", "Issue encore incertaine"),
        Code::NeedsReview => ("To review", "À vérifier"),
        Code::Internal => ("Our own trouble", "Incident de notre côté"),
    };
    Some(language.of_both(english, french))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in braces.
    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> = text
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()))
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn both_languages_have_all_texts_with_the_same_places() {
        assert!(ALL.len() > 150, "this looks at all of them");
        for (key, english, french) in ALL {
            assert!(!english.trim().is_empty() && !french.trim().is_empty(), "{key} is empty");
            assert_eq!(places(english), places(french), "{key}");
        }
        for code in Code::ALL.map(Code::as_str) {
            for language in [Language::English, Language::French] {
                assert!(meaning(code, language).is_some_and(|text| !text.is_empty()), "{code}");
            }
        }
    }

    #[test]
    fn french_is_set_as_french_is() {
        for (key, english, french) in ALL {
            assert!(!french.contains('\''), "{key}: the apostrophe is ’");
            assert!(!english.contains('\''), "{key}: the apostrophe is ’");
            for (at, mark) in
                french.char_indices().filter(|(_, mark)| [':', ';', '?', '!', '»'].contains(mark))
            {
                let before = french[..at].chars().next_back();
                assert!(
                    matches!(before, Some('\u{a0}' | '\u{202f}')),
                    "{key}: no space that holds before {mark}"
                );
            }
        }
    }

    #[test]
    fn places_are_filled_by_their_names() {
        assert_eq!(fill("{b} and {a}", &[("a", "{b}"), ("b", "2")]), "2 and {b}");
        assert_eq!(fill("nothing", &[("a", "1")]), "nothing");
    }
}

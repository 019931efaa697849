//! What is wrong with a record, all of it in one failure.

use mapping::hubspot::RecordKind;
use mapping::payment::{Standing, Uncounted};
use mapping::problem::{AdjustmentFault, Figure, Lack, LineFault, NumberFault, Problem, Unusable};
use mapping::sale::AmountDiffers;

use super::{Code, Failure};
use crate::answer::money;

impl Failure {
    /// Everything wrong with a record, in one failure. Its code is the first problem's, and its subject names what has
    /// problems of that code: a label says only what is wrong with those.
    pub fn problems(kind: RecordKind, problems: &[Problem]) -> Self {
        let noun = kind.noun();
        let first = problems.first().map_or(Code::Internal, code);
        let mut sentences: Vec<String> = problems.iter().map(|problem| sentence(noun, problem)).collect();
        sentences.push(format!("Then enroll the {noun} again."));
        let alike = problems.iter().filter(|problem| code(problem) == first);
        let mut subjects: Vec<String> = alike.map(Problem::subject).collect();
        subjects.dedup();
        Self::new(first, subjects.join(", "), sentences.join(" "))
    }

    /// The same of a record for this company.
    pub fn in_company(self, realm_name: &str) -> Self {
        if self.code.is_of_the_company() { Self { subject: realm_name.to_owned(), ..self } } else { self }
    }
}

fn code(problem: &Problem) -> Code {
    match problem {
        Problem::NoContact { .. } => Code::NoContact,
        Problem::NoCompany { .. } | Problem::CompanyNameless { .. } => Code::NoCompany,
        Problem::ContactIncomplete { .. } => Code::ContactIncomplete,
        Problem::CustomerAmbiguous { .. } | Problem::CompanyAmbiguous { .. } => Code::CustomerAmbiguous,
        Problem::NoLineItems { .. } => Code::NoLineItems,
        Problem::TotalDiffers { .. } => Code::TotalMismatch,
        Problem::LineInvalid { .. } | Problem::LineNameless { .. } | Problem::OptionalUnclear { .. } => {
            Code::LineInvalid
        }
        Problem::ItemNotFound { .. } => Code::ItemNotFound,
        Problem::ItemAmbiguous { .. } => Code::ItemAmbiguous,
        Problem::ItemUnusable { .. } => Code::ItemInactive,
        Problem::AdjustmentInvalid { .. } => Code::AdjustmentInvalid,
        Problem::PaymentInvalid { .. } | Problem::PaymentCurrency { .. } => Code::PaymentInvalid,
        Problem::NotPaid { .. } => Code::NotPaid,
        Problem::NoAmount { .. } => Code::NoLineItems,
        Problem::FeeItemMissing { .. }
        | Problem::DefaultItemMissing { .. }
        | Problem::IncomeAccountMissing { .. } => Code::SettingMissing,
        Problem::TaxCodeMissing { .. }
        | Problem::TaxRateUnknown { .. }
        | Problem::TaxUnmapped { .. }
        | Problem::TaxWithoutRate { .. }
        | Problem::QuoteTaxUncoded { .. }
        | Problem::TaxCodesMixed { .. }
        | Problem::TaxOff { .. } => Code::TaxUnmapped,
        Problem::DiscountsOff { .. } => Code::FeatureOff,
        Problem::BooksClosed { .. } => Code::PeriodClosed,
        Problem::TooManyLines { .. } | Problem::TotalTooLarge { .. } => Code::RecordTooLarge,
        Problem::CurrencyForeign { .. }
        | Problem::CurrencyUnreadable { .. }
        | Problem::CurrenciesMixed { .. }
        | Problem::CurrencyMismatch { .. } => Code::CurrencyMismatch,
    }
}

pub(super) fn sentence(noun: &str, problem: &Problem) -> String {
    match problem {
        Problem::NoContact { record } => {
            format!("The {noun} “{record}” has no contact. Associate the contact to bill with it.")
        }
        Problem::NoCompany { record, companies } if companies.is_empty() => format!(
            "The {noun} “{record}” has no company, and the app's settings bill the company (“bill”). Associate the company to \
             bill with it."
        ),
        Problem::NoCompany { record, companies } => format!(
            "The {noun} “{record}” has several companies, and none of them is its primary one: {}. Make the one to bill the \
             primary company.",
            quoted(companies)
        ),
        Problem::CompanyNameless { record, company } => format!(
            "The company {company} of the {noun} “{record}” has no name. Give the company its name in HubSpot."
        ),
        Problem::CompanyAmbiguous { company, candidates } => format!(
            "Several QuickBooks customers belong to the company “{company}”: {}. Give the one to bill the company's name as its \
             display name, or merge them in QuickBooks.",
            quoted(candidates)
        ),
        Problem::ContactIncomplete { contact, lacks } => {
            let lacks = lacks.iter().map(lack).collect::<Vec<_>>().join(" and ");
            format!("The contact “{contact}” has {lacks}. Complete the contact in HubSpot.")
        }
        Problem::CustomerAmbiguous { contact, candidates } => format!(
            "Several QuickBooks customers have the e-mail address of “{contact}”: {}. Give them different addresses, or \
             merge them in QuickBooks.",
            quoted(candidates)
        ),
        Problem::NoLineItems { record } => {
            format!("The {noun} “{record}” has no line items. Add what is sold.")
        }
        Problem::TotalDiffers { record, differs: AmountDiffers { amount, comes_to, held: None } } => format!(
            "The {noun} “{record}” has the amount {amount}, but its line items come to {comes_to}. Correct one of them in HubSpot, \
             or let the app's settings only warn (“totals”)."
        ),
        Problem::TotalDiffers { record, differs: AmountDiffers { amount, comes_to, held: Some(tax) } } => {
            format!(
                "The {noun} “{record}” has the amount {amount}, of which {tax} is tax, but the document would come to {comes_to}. Let the \
                 app's settings carry that tax (“tax”, “amounts”) if the company keeps it, take it out of the {noun}, or let the settings \
                 only warn (“totals”)."
            )
        }
        Problem::LineInvalid { line, fault } => line_fault(noun, &line.to_string(), fault),
        Problem::LineNameless { line } => format!(
            "Line item “{line}” has neither a name nor a SKU. Give it the name or SKU of a QuickBooks product in the {noun}'s \
             line items."
        ),
        Problem::ItemNotFound { line, sku } => {
            let sku = sku.as_ref().map(|sku| format!(" (SKU {sku})")).unwrap_or_default();
            format!(
                "Line item “{line}”{sku} matches no QuickBooks product. Create the product in QuickBooks with the same SKU or \
                 name, or change the line item in the {noun}."
            )
        }
        Problem::ItemAmbiguous { line, candidates } => format!(
            "Line item “{line}” matches several QuickBooks products: {}. Give them different SKUs or names in QuickBooks.",
            quoted(candidates)
        ),
        Problem::ItemUnusable { line, item, reason: Unusable::Inactive } => format!(
            "Line item “{line}” matches only the QuickBooks product “{item}”, which is inactive. Make it active in \
             QuickBooks, or change the line item in the {noun}."
        ),
        Problem::ItemUnusable { line, item, reason: Unusable::Category } => format!(
            "Line item “{line}” matches only the QuickBooks category “{item}”, and a category cannot be sold. Change the line \
             item in the {noun} to a product."
        ),
        Problem::ItemUnusable { line, item, reason: Unusable::Bundle } => format!(
            "Line item “{line}” matches only the QuickBooks bundle “{item}”, and a bundle cannot be sold here. Change the line \
             item in the {noun} to a single product."
        ),
        Problem::DefaultItemMissing { subject } => format!(
            "“{subject}” has no QuickBooks product, and there is no default product to put it on. Choose one in the app's settings \
             (“default_item”), or add what is sold with the SKU or name of a product."
        ),
        Problem::IncomeAccountMissing { line } => format!(
            "Line item “{line}” has no QuickBooks product, and there is no income account to create one with. Choose one in the app's \
             settings (“income_account”), or add the product in QuickBooks with the same SKU or name."
        ),
        Problem::TaxCodeMissing { record } => format!(
            "The {noun} “{record}” needs a tax code on every line: the QuickBooks company taxes by codes, and none is chosen. Choose \
             one in the app's settings (“default_tax_code”), or set “tax” to “none”."
        ),
        Problem::TaxRateUnknown { record, code } => format!(
            "The amounts of the {noun} “{record}” hold the tax of the QuickBooks tax code {code}, and its rate is not known. Choose a tax \
             code with simple rates for sales in the app's settings (“default_tax_code”), or set “amounts” to “net”."
        ),
        Problem::TaxUnmapped { subject, rate: Some(rate) } => format!(
            "“{subject}” on the {noun} is taxed with {rate}, which is mapped to no tax code of QuickBooks. Map the rate to a tax code in \
             the app's settings (“tax_codes”), or change it in HubSpot."
        ),
        Problem::TaxUnmapped { subject, rate: None } => format!(
            "“{subject}” on the {noun} has no tax rate of its own that a tax code could stand for. Give each line item one tax rate in \
             HubSpot, or choose the tax code of line items without one in the app's settings (“default_tax_code”)."
        ),
        Problem::TaxWithoutRate { subject } => format!(
            "“{subject}” on the {noun} has automatic tax of HubSpot's, which has no rate that a tax code of QuickBooks could stand for. \
             Give it a tax rate in HubSpot, or let QuickBooks decide on tax in the app's settings (“tax”)."
        ),
        Problem::QuoteTaxUncoded { taxes } => format!(
            "“{taxes}” on the {noun} is not what one tax code of QuickBooks can stand for: that takes percentages, and line items \
             without taxes of their own. Give each line item its tax rate in HubSpot, and remove the taxes of the whole {noun}."
        ),
        Problem::TaxCodesMixed { record, codes } => format!(
            "The {noun} “{record}” has tax rates that are mapped to several tax codes ({}), and sales tax kept by hand has one for a \
             document. Use one rate on the {noun}, or map its rates to one tax code in the app's settings (“tax_codes”).",
            codes.join(", ")
        ),
        Problem::TaxOff { record } => format!(
            "The {noun} “{record}” is taxed in HubSpot, but the QuickBooks company keeps no sales tax. Set sales tax up in QuickBooks \
             (Taxes), or remove the tax in HubSpot."
        ),
        Problem::DiscountsOff { record } => format!(
            "The {noun} “{record}” has a discount, and discounts are switched off in QuickBooks. Switch them on (Account and settings, \
             Sales), or take the discount off the prices of the {noun}."
        ),
        Problem::BooksClosed { record, of_payment: false, day, closed_until } => format!(
            "The document of the {noun} “{record}” would be of {day}, and the books of the QuickBooks company are closed up to \
             {closed_until}. Change the closing date in QuickBooks (Account and settings, Advanced)."
        ),
        Problem::BooksClosed { record, of_payment: true, day, closed_until } => format!(
            "The payment of the {noun} “{record}” is of {day}, and the books of the QuickBooks company are closed up to \
             {closed_until}. Change the closing date in QuickBooks (Account and settings, Advanced), or have the action create an \
             unpaid invoice."
        ),
        Problem::TooManyLines { record, count } => format!(
            "The {noun} “{record}” needs {count} lines, fees and a discount included, and QuickBooks takes at most 750 on a taxed \
             document. Split the {noun}, or set “tax” to “none” in the app's settings."
        ),
        Problem::TotalTooLarge { record } => format!(
            "The line items of the {noun} “{record}” come to more than the 15 digits QuickBooks takes. Correct them, or split the {noun}."
        ),
        Problem::OptionalUnclear { lines } => {
            let names: Vec<String> = lines.iter().map(ToString::to_string).collect();
            format!(
                "The {noun}'s amount does not tell whether the buyer chose its optional line items {}. Make them part of the {noun}, or \
                 remove them.",
                quoted(&names)
            )
        }
        Problem::NoAmount { record } => format!(
            "The {noun} “{record}” has neither line items nor an amount above zero. Add what is sold, or the {noun}'s amount."
        ),
        Problem::AdjustmentInvalid { label, fault } => adjustment_fault(noun, label, fault),
        Problem::FeeItemMissing { fee } => format!(
            "The fee “{fee}” of the {noun} has no QuickBooks product. Choose a product for fees in the app's settings, or remove \
             the fee."
        ),
        Problem::PaymentInvalid { payment, fault } => format!(
            "The payment “{payment}” {}. Check it in HubSpot, or create an invoice without its payment.",
            number_fault("amount", fault)
        ),
        Problem::PaymentCurrency { payment, currency, record, expected } => format!(
            "The payment “{payment}” is in {currency}, but “{record}” is in {expected}. Create an invoice without its payment, \
             and record the payment in QuickBooks."
        ),
        Problem::NotPaid { record, standing, payments } => {
            let why = match (standing, uncounted(payments)) {
                (Standing::UnderWay, _) => {
                    format!("HubSpot says that the payment of the {noun} “{record}” is still under way")
                }
                (Standing::Awaited, payments) => {
                    format!("HubSpot does not say that the {noun} “{record}” is paid: {payments}")
                }
                (Standing::NotSaid | Standing::Paid, payments) => {
                    format!("no payment of the {noun} “{record}” did: {payments}")
                }
            };
            format!(
                "A sales receipt says that money came in, and {why}. Collect it in HubSpot, or wait for it, or create an invoice \
                 instead."
            )
        }
        Problem::CurrencyForeign { record, currency, home } => format!(
            "The {noun} “{record}” is in {currency}, but the QuickBooks company has {home} only. Switch on Multicurrency in \
             QuickBooks (Account and settings, Advanced), or change the {noun}'s currency."
        ),
        Problem::CurrencyUnreadable { subject, text } => format!(
            "The currency “{text}” of “{subject}” is not a currency code. Choose the {noun}'s currency anew in HubSpot."
        ),
        Problem::CurrenciesMixed { record, currencies } => {
            let currencies = currencies.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!(
                "The {noun} “{record}” mixes currencies: {currencies}. Use one currency on the {noun} and all its line items."
            )
        }
        Problem::CurrencyMismatch { record, currency, customer, customer_currency } => format!(
            "The {noun} “{record}” is in {currency}, but the QuickBooks customer “{customer}” is kept in \
             {customer_currency}, which never changes. Use a customer in {currency}, or change the {noun}'s currency."
        ),
    }
}

fn lack(lack: &Lack) -> String {
    match lack {
        Lack::Email => "no e-mail address".to_owned(),
        Lack::UsableEmail(address) => format!("an e-mail address QuickBooks does not accept ({address})"),
        Lack::Name => "neither a first nor a last name".to_owned(),
    }
}

fn line_fault(noun: &str, line: &str, fault: &LineFault) -> String {
    let wrong = match fault {
        // It is HubSpot that reckons it, by the rate.
        LineFault::Missing(Figure::Tax) => {
            "has a tax rate of which HubSpot says neither percentage nor amount. Choose its rate anew"
                .to_owned()
        }
        // Only where prices depend on quantities is it not reckoned here.
        LineFault::Missing(Figure::Amount) => {
            "has tiered prices, and HubSpot does not say what they come to. Complete its prices".to_owned()
        }
        LineFault::Missing(figure) => format!("has no {}. Add one", figure_noun(*figure)),
        LineFault::Unreadable(figure, text) => {
            format!("has “{text}” as its {}, which is not a number. Correct it", figure_noun(*figure))
        }
        LineFault::Negative(figure) => {
            format!("has a {} below zero, which is not billed. Correct it", figure_noun(*figure))
        }
        LineFault::TooLarge(figure) => {
            format!("has a {} with more digits than QuickBooks takes. Correct it", figure_noun(*figure))
        }
        LineFault::ZeroQuantity => "has a quantity of zero. Set the quantity or remove the line".to_owned(),
    };
    format!("Line item “{line}” {wrong} in the {noun}'s line items.")
}

fn adjustment_fault(noun: &str, label: &str, fault: &AdjustmentFault) -> String {
    let wrong = match fault {
        AdjustmentFault::Value(fault) => number_fault("value", fault),
        AdjustmentFault::Kind(_) => "is neither a percentage nor a fixed amount".to_owned(),
        AdjustmentFault::MoreThanSubtotal => "takes off more than there is to pay".to_owned(),
    };
    format!("“{label}” on the {noun} {wrong}. Correct it in the {noun}'s summary.")
}

fn number_fault(figure: &str, fault: &NumberFault) -> String {
    match fault {
        NumberFault::Missing => format!("has no {figure}"),
        NumberFault::Unreadable(text) => format!("has “{text}” as its {figure}, which is not a number"),
        NumberFault::Negative => format!("has a {figure} below zero"),
        NumberFault::TooLarge => format!("has a {figure} with more digits than QuickBooks takes"),
    }
}

fn figure_noun(figure: Figure) -> &'static str {
    match figure {
        Figure::Quantity => "quantity",
        Figure::Price => "price",
        Figure::Discount => "discount",
        Figure::Amount => "net price",
        Figure::TaxRate => "tax rate",
        Figure::Tax => "tax amount",
    }
}

/// Payments that do not count, with their sums and HubSpot's words for how they stand.
pub(crate) fn uncounted(payments: &[Uncounted]) -> String {
    let told = payments.iter().map(|Uncounted { payment, amount, currency, status }| {
        let sum = amount.map(|amount| {
            let amount = money(amount);
            currency.as_ref().map_or(amount.clone(), |currency| format!("{amount} {currency}"))
        });
        let status = status.as_deref().unwrap_or("without a status");
        let said = sum.into_iter().chain([status.to_owned()]).collect::<Vec<_>>().join(", ");
        format!("“{payment}” ({said})")
    });
    told.collect::<Vec<_>>().join(", ")
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ")
}

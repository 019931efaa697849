//! Sales tax (quickbooks.md §2.5, §12.12), in the regime of the company: the automated one of US companies in its simplest
//! form, one rate, a switch, on the lines that are taxed; the manual one, whose rates a document names once; and that of
//! other countries, where each line names a code.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fault::{Fault, Reason};
use super::json::{Object, at, decimal, fill, half_up, money, plain, text, to_cents};
use super::state::Company;
use super::switches::{InclusiveTax, MissingTaxCode};

/// What tax is computed from.
pub(super) struct Taxable {
    /// The product lines by their tax code.
    pub(super) taxed: BTreeMap<String, Decimal>,
    /// The same with their tax, where amounts include it.
    pub(super) gross: BTreeMap<String, Decimal>,
    /// All product lines together.
    pub(super) subtotal: Decimal,
    /// What is taken off the subtotal.
    pub(super) discount: Decimal,
    /// Of amounts in the document's currency.
    pub(super) decimals: u32,
}

/// Which codes lines have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Codes {
    /// `TAX` or `NON`.
    #[default]
    American,
    /// A tax code of the company.
    OfCompany,
    /// The same, and the lines know what they come to with tax.
    Inclusive,
    /// Any or none: the document is not taxed.
    NotApplicable,
}

/// How tax comes about.
#[derive(Clone, Copy, PartialEq)]
enum Regime {
    Off,
    Automated,
    Manual,
    PerLine,
}

/// Which codes the lines of a document have.
pub(super) fn codes(company: &Company, document: &Object) -> Codes {
    match (regime(company), text(document, &["GlobalTaxCalculation"])) {
        (Regime::PerLine, "NotApplicable") => Codes::NotApplicable,
        (Regime::PerLine, "TaxInclusive") => Codes::Inclusive,
        (Regime::PerLine, _) => Codes::OfCompany,
        _ => Codes::American,
    }
}

/// Whether anything is taxed of lines with these codes.
pub(super) fn is_taxable(company: &Company, codes: Codes, taxed: &BTreeMap<String, Decimal>) -> bool {
    match codes {
        Codes::NotApplicable => false,
        Codes::OfCompany | Codes::Inclusive => true,
        Codes::American => regime(company) != Regime::Off && taxed.contains_key("TAX"),
    }
}

/// Checks a line's tax code and fills it in. US: `TAX` or `NON`; left out, automated tax asks the item. Elsewhere every
/// line needs one.
///
/// # Errors
/// 6000 without one outside the US, 6100 for another one in the US, 2500 and 6470 as for [`rates`].
pub(super) fn code(company: &Company, codes: Codes, item: &Object, detail: &mut Object) -> Result<(), Fault> {
    let given = text(detail, &["TaxCodeRef", "value"]);
    match codes {
        Codes::NotApplicable => return Ok(()),
        Codes::OfCompany | Codes::Inclusive if given.is_empty() => {
            let why = match company.switches.missing_tax_code {
                MissingTaxCode::Sentence => {
                    "Make sure all your transactions have a VAT rate before you save."
                }
                MissingTaxCode::Localised => {
                    "Vérifiez que toutes vos opérations ont un taux de TVA avant d'enregistrer."
                }
            };
            return Err(Reason::business(why).into());
        }
        Codes::OfCompany | Codes::Inclusive => return rates(company, given).map(drop),
        Codes::American => {}
    }
    if !["", "TAX", "NON"].contains(&given) {
        let detail = format!("Tax code {given} is neither TAX nor NON");
        return Err(Reason::new(6100, detail).at("Line.SalesItemLineDetail.TaxCodeRef").into());
    }
    let automated = regime(company) == Regime::Automated;
    let taxed = automated && item.get("Taxable") == Some(&Value::Bool(true));
    fill(detail, json!({"TaxCodeRef": {"value": if taxed { "TAX" } else { "NON" }}}));
    Ok(())
}

/// What a line comes to with its tax, filled in where amounts include it; its net amount elsewhere. `Amount` is the net one
/// in any case (§2.5).
///
/// # Errors
/// 6000 for a gross amount that has no place here, or is not the net amount with tax to a cent, or to one of a currency that
/// has no cents, which is our expectation.
pub(super) fn gross(
    company: &Company,
    (codes, decimals): (Codes, u32),
    net: Decimal,
    detail: &mut Object,
) -> Result<Decimal, Fault> {
    let given = detail.remove("TaxInclusiveAmt").as_ref().and_then(decimal).filter(|given| !given.is_zero());
    let refused =
        |why: &str| Err(Reason::business(why).at("Line.SalesItemLineDetail.TaxInclusiveAmt").into());
    if codes != Codes::Inclusive {
        return match given {
            None => Ok(net),
            Some(_) => refused("only a document whose amounts include tax has a TaxInclusiveAmt"),
        };
    }
    let rates = rates(company, text(detail, &["TaxCodeRef", "value"]))?;
    let percents: Decimal = rates.iter().map(|rate| rate.percent).sum();
    let computed = half_up(net + net * percents / Decimal::ONE_HUNDRED, decimals);
    let gross = given.unwrap_or(computed);
    if (gross - computed).abs() > Decimal::new(1, decimals) {
        return refused("the TaxInclusiveAmt of a line is not its amount with tax");
    }
    detail.insert("TaxInclusiveAmt".into(), money(gross));
    Ok(gross)
}

/// Writes `TxnTaxDetail` and answers the tax.
///
/// # Errors
/// 2010 outside the US for another tax than is computed, which is not simulated, 2290 for a negative tax, 2500 and 6470 for the code of a manually taxed document, 6170 for tax where it is not
/// applicable.
pub(super) fn settle(company: &Company, document: &mut Object, taxable: Taxable) -> Result<Decimal, Fault> {
    if at(document, &["TxnTaxDetail", "TotalTax"]).and_then(decimal).is_some_and(|tax| tax < Decimal::ZERO) {
        return Err(Reason::new(2290, "The tax is not negative").at("TxnTaxDetail.TotalTax").into());
    }
    let lines = match regime(company) {
        // A company without sales tax does not mention it (recorded).
        Regime::Off => {
            document.remove("TxnTaxDetail");
            return Ok(Decimal::ZERO);
        }
        Regime::Automated => return Ok(automated(company, document, &taxable)),
        Regime::Manual => manual(company, document, &taxable)?,
        Regime::PerLine => per_line(company, document, &taxable)?,
    };
    let tax = lines.iter().map(|line| line.tax).sum();
    let told = at(document, &["TxnTaxDetail", "TotalTax"]).and_then(decimal).filter(|told| !told.is_zero());
    if regime(company) == Regime::PerLine && told.is_some_and(|told| told != tax) {
        return Err(Fault::unsimulated_field("TxnTaxDetail", "TotalTax other than computed"));
    }
    let mut detail = json!({"TotalTax": money(tax)});
    if !lines.is_empty() {
        detail["TaxLine"] = lines.iter().map(TaxLine::json).collect();
    }
    if let Some(code) = at(document, &["TxnTaxDetail", "TxnTaxCodeRef"]).filter(|_| !lines.is_empty()) {
        detail["TxnTaxCodeRef"] = code.clone();
    }
    document.insert("TxnTaxDetail".into(), detail);
    Ok(tax)
}

fn regime(company: &Company) -> Regime {
    let partner = company.preference(&["TaxPrefs", "PartnerTaxEnabled"]).and_then(Value::as_bool);
    match (company.country() == "US", company.prefers(&["TaxPrefs", "UsingSalesTax"]), partner) {
        (false, _, _) => Regime::PerLine,
        (true, true, Some(true)) => Regime::Automated,
        (true, true, None) => Regime::Manual,
        _ => Regime::Off,
    }
}

/// A `TotalTax` that was sent replaces what would be computed; any code that was sent is ignored.
fn automated(company: &Company, document: &mut Object, taxable: &Taxable) -> Decimal {
    let wanted = at(document, &["TxnTaxDetail", "TotalTax"]).and_then(decimal);
    let net = taxable.of("TAX");
    let tax = if is_exempt(company, document) || net <= Decimal::ZERO {
        Decimal::ZERO
    } else {
        let net = net - taxable.share_of_discount(document, net);
        wanted.unwrap_or_else(|| percent(net, company.switches.tax_percent))
    };
    document.insert("TxnTaxDetail".into(), json!({"TotalTax": money(tax)}));
    tax
}

/// The rates of the document's one code, on what is taxed; without a code there is no tax. A sent `TotalTax` is ignored.
fn manual(company: &Company, document: &Object, taxable: &Taxable) -> Result<Vec<TaxLine>, Fault> {
    let code = text(document, &["TxnTaxDetail", "TxnTaxCodeRef", "value"]);
    if code.is_empty() {
        return Ok(Vec::new());
    }
    let rates = rates(company, code)?;
    let net = taxable.of("TAX");
    if is_exempt(company, document) || net <= Decimal::ZERO {
        return Ok(Vec::new());
    }
    let net = net - taxable.share_of_discount(document, net);
    Ok(rates.into_iter().map(|rate| TaxLine::new(rate, net)).collect())
}

/// Each rate on the sum of the lines it is for (§2.4). A discount is taken off before tax, off each code its share, which
/// is our expectation.
fn per_line(company: &Company, document: &mut Object, taxable: &Taxable) -> Result<Vec<TaxLine>, Fault> {
    fill(document, json!({"GlobalTaxCalculation": "TaxExcluded"}));
    match text(document, &["GlobalTaxCalculation"]) {
        "NotApplicable" if document.contains_key("TxnTaxDetail") => {
            let detail = "TxnTaxDetail must not be sent where tax is not applicable";
            return Err(Reason::new(6170, detail).at("TxnTaxDetail").into());
        }
        "NotApplicable" => return Ok(Vec::new()),
        "TaxInclusive" if matches!(company.switches.inclusive_tax, InclusiveTax::GrossFixed) => {
            return gross_fixed(company, taxable);
        }
        _ => {}
    }
    let mut sums: BTreeMap<String, (Rate, Decimal)> = BTreeMap::new();
    for (code, amount) in &taxable.taxed {
        let net = amount - taxable.share(*amount);
        for rate in rates(company, code)? {
            let sum = sums.entry(rate.id.clone()).or_insert((rate, Decimal::ZERO));
            sum.1 += net;
        }
    }
    Ok(sums.into_values().map(|(rate, net)| TaxLine::new(rate, net)).collect())
}

/// What is left of the gross amounts without the net ones, after the discount (recorded, §2.4). Of several rates, the last
/// takes what rounding left, which is our expectation.
fn gross_fixed(company: &Company, taxable: &Taxable) -> Result<Vec<TaxLine>, Fault> {
    let mut lines: BTreeMap<String, TaxLine> = BTreeMap::new();
    for (code, amount) in &taxable.taxed {
        let rounded = |amount| half_up(amount, taxable.decimals);
        let net = rounded(amount - taxable.share(*amount));
        let gross = taxable.gross.get(code).copied().unwrap_or_default();
        let mut left = rounded(gross - taxable.share(gross)) - net;
        let mut rates = rates(company, code)?.into_iter().peekable();
        while let Some(rate) = rates.next() {
            let tax = if rates.peek().is_some() { percent(net, rate.percent) } else { left };
            left -= tax;
            let line = lines.entry(rate.id.clone()).or_insert(TaxLine {
                rate,
                net: Decimal::ZERO,
                tax: Decimal::ZERO,
            });
            line.net += net;
            line.tax += tax;
        }
    }
    Ok(lines.into_values().collect())
}

struct Rate {
    id: String,
    percent: Decimal,
}

/// The sales rates of a tax code.
///
/// # Errors
/// 2500 for no code of the company, 6470 for one without rates.
fn rates(company: &Company, code: &str) -> Result<Vec<Rate>, Fault> {
    let row = company.row("TaxCode", code).ok_or_else(|| {
        Fault::from(Reason::new(2500, format!("Invalid Reference Id : TaxCodes element id {code} not found")))
    })?;
    if row.get("Active") == Some(&Value::Bool(false)) {
        return Err(Reason::gone().into());
    }
    let details = at(row, &["SalesTaxRateList", "TaxRateDetail"]).and_then(Value::as_array);
    let rates: Vec<_> = details.into_iter().flatten().filter_map(|detail| rate(company, detail)).collect();
    if rates.is_empty() {
        return Err(Fault::new(6470, format!("Tax code {code} has no rate for sales")));
    }
    Ok(rates)
}

fn rate(company: &Company, detail: &Value) -> Option<Rate> {
    let id = detail["TaxRateRef"]["value"].as_str()?;
    let percent = company.row("TaxRate", id)?.get("RateValue").and_then(decimal)?;
    Some(Rate { id: id.to_owned(), percent })
}

/// What one rate comes to.
struct TaxLine {
    rate: Rate,
    net: Decimal,
    tax: Decimal,
}

impl TaxLine {
    fn new(rate: Rate, net: Decimal) -> TaxLine {
        let tax = percent(net, rate.percent);
        TaxLine { rate, net, tax }
    }

    fn json(&self) -> Value {
        json!({"Amount": money(self.tax), "DetailType": "TaxLineDetail", "TaxLineDetail": {
            "TaxRateRef": {"value": self.rate.id}, "PercentBased": true, "TaxPercent": plain(self.rate.percent),
            "NetAmountTaxable": money(self.net)}})
    }
}

impl Taxable {
    fn of(&self, code: &str) -> Decimal {
        self.taxed.get(code).copied().unwrap_or_default()
    }

    /// US documents are taxed before their discount unless they say otherwise.
    fn share_of_discount(&self, document: &Object, amount: Decimal) -> Decimal {
        match document.get("ApplyTaxAfterDiscount") {
            Some(Value::Bool(true)) => self.share(amount),
            _ => Decimal::ZERO,
        }
    }

    /// The part of the discount that falls on an amount.
    fn share(&self, amount: Decimal) -> Decimal {
        if self.subtotal.is_zero() { Decimal::ZERO } else { self.discount * amount / self.subtotal }
    }
}

fn is_exempt(company: &Company, document: &Object) -> bool {
    let customer = company.row("Customer", text(document, &["CustomerRef", "value"]));
    customer.is_some_and(|customer| customer.get("Taxable") == Some(&Value::Bool(false)))
}

/// Half-up on the sum, not line by line (§2.4).
fn percent(net: Decimal, percent: Decimal) -> Decimal {
    to_cents(net * percent / Decimal::ONE_HUNDRED)
}

//! Where Intuit's JSON is known to differ from its XSDs: each with the place that proves it, and nothing else is let
//! through. Places are sections of quickbooks.md and recordings in `quickbooks-data`.

use std::collections::BTreeMap;

use super::schema::{Particle, Type};

/// One difference of the JSON from the XSD.
pub(super) struct Divergence {
    /// The type of the XSD that holds the member.
    pub(super) of: &'static str,
    pub(super) member: &'static str,
    pub(super) instead: Instead,
}

/// What JSON has in place of the XSD's rule.
pub(super) enum Instead {
    /// Another longest text, in characters.
    Longest(usize),
    /// Texts of a length nobody states.
    AnyLength,
    /// It may be left out, and so may the alternatives it is one of.
    Optional,
}

use Instead::{AnyLength, Longest, Optional};

/// All known differences.
pub(super) const DIVERGENCES: &[Divergence] = &[
    // A field nobody filled in comes without a value (void_invoice_2.json).
    known("CustomField", "StringValue", Optional),
    // Lengths of the XSDs are older than the API reference, which allows more (§2.6) …
    known("NameBase", "GivenName", Longest(100)),
    known("NameBase", "MiddleName", Longest(100)),
    known("NameBase", "FamilyName", Longest(100)),
    known("NameBase", "Suffix", Longest(16)),
    known("TelephoneNumber", "FreeFormNumber", Longest(30)),
    known("Customer", "Notes", Longest(2000)),
    // … (§2.10) …
    known("PaymentMethod", "Name", Longest(31)),
    // … or less: the XSD's 4000 are a bill's (§2.1).
    known("SalesTransaction", "CustomerMemo", Longest(1000)),
    // Five levels of names of 500 and of 100 characters (§2.6, §2.7).
    known("NameBase", "FullyQualifiedName", AnyLength),
    known("Item", "FullyQualifiedName", AnyLength),
    // Longer ones were recorded (all_vendors_by_5_5.json, tax_codes.xml).
    known("Vendor", "AcctNum", AnyLength),
    known("TaxCode", "Name", AnyLength),
    known("TaxCode", "Description", AnyLength),
];

const fn known(of: &'static str, member: &'static str, instead: Instead) -> Divergence {
    Divergence { of, member, instead }
}

/// Puts the differences into the types they are about.
pub(super) fn apply(types: &mut BTreeMap<String, Type>) {
    for divergence in DIVERGENCES {
        if let Some(Type::Object(object)) = types.get_mut(divergence.of) {
            object.members.iter_mut().for_each(|particle| divergence.change(particle));
        }
    }
}

impl Divergence {
    fn change(&self, particle: &mut Particle) {
        match particle {
            Particle::Field(field) if field.name == self.member => match self.instead {
                Longest(longest) => field.longest = Some(longest),
                AnyLength => field.longest = None,
                Optional => field.required = false,
            },
            Particle::OneOf { required, of } => {
                let is_one = of.iter().flat_map(Particle::fields).any(|field| field.name == self.member);
                if is_one && matches!(self.instead, Optional) {
                    *required = false;
                }
                of.iter_mut().for_each(|part| self.change(part));
            }
            Particle::All { of, .. } => of.iter_mut().for_each(|part| self.change(part)),
            Particle::Field(_) | Particle::Anything => {}
        }
    }
}

//! A company's own fields on its documents: what the settings put into those that QuickBooks has under these names.

use std::collections::BTreeMap;

use crate::quickbooks::CustomField;
use crate::settings::Settings;
use crate::text::{fold, length, single_line};

/// The longest text of one (quickbooks.md §2.1).
pub const TEXT_LIMIT: usize = 31;

/// Why a field is not on the document as the settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The company has no field of this name on its documents.
    Unknown,
    /// The text was cut to [`TEXT_LIMIT`].
    TooLong,
    /// The text has characters that QuickBooks refuses: they were left out.
    Refused,
}

/// The fields that have something in them, and by their names those that are not as the settings say.
pub fn fields(
    settings: &Settings,
    properties: &BTreeMap<String, String>,
) -> (Vec<CustomField>, Vec<(String, Unfit)>) {
    let (mut fields, mut unfit) = (Vec::new(), Vec::new());
    for (name, template) in settings.choices.custom_fields.iter() {
        let known = settings.books.custom_fields.iter().find(|(known, _)| fold(known) == fold(name));
        let Some((own_name, definition_id)) = known else {
            unfit.push((name.to_owned(), Unfit::Unknown));
            continue;
        };
        if template.loses_characters(properties) {
            unfit.push((name.to_owned(), Unfit::Refused));
        }
        // As it would be without the limit: whether something is lost is seen only there.
        let Some(text) = template.fill(properties, usize::MAX).map(|text| single_line(&text)) else {
            continue;
        };
        if length(&text) > TEXT_LIMIT {
            unfit.push((name.to_owned(), Unfit::TooLong));
        }
        fields.push(CustomField::of(definition_id, own_name, crate::text::cut(&text, TEXT_LIMIT)));
    }
    (fields, unfit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Books;
    use crate::settings::Choices;
    use serde_json::json;

    #[test]
    fn what_the_company_has_no_field_for_is_left_out_and_named() {
        let file = json!({"version": 1, "custom_fields": {
            "po #": "{po}", "Region": "Sales of {region}", "Crew": "{nobody}",
        }});
        let choices = Choices::default().changed_by(&file.to_string()).unwrap();
        let of =
            |fields: [(&str, &str); 2]| fields.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let books = Books { custom_fields: of([("PO #", "1"), ("Crew", "3")]), ..Books::default() };
        let properties = of([("po", "Order\n 4711, second half of the year"), ("region", "West")]);
        let (fields, unfit) = super::fields(&Settings { books, choices }, &properties);
        let expected = json!([{
            "DefinitionId": "1", "Name": "PO #", "Type": "StringType", "StringValue": "Order 4711, second half of the"
        }]);
        assert_eq!(json!(fields), expected);
        let expected = [("Region".to_owned(), Unfit::Unknown), ("po #".to_owned(), Unfit::TooLong)];
        assert_eq!(unfit, expected);
    }

    #[test]
    fn what_quickbooks_refuses_is_left_out_and_named_too_where_nothing_else_is_left() {
        let check = |template: &str, text: &str, expected: Option<&str>| {
            let file = json!({"version": 1, "custom_fields": {"PO #": template}});
            let choices = Choices::default().changed_by(&file.to_string()).unwrap();
            let of = |name: &str, text: &str| [(name.to_owned(), text.to_owned())].into();
            let books = Books { custom_fields: of("PO #", "1"), ..Books::default() };
            let (fields, unfit) = super::fields(&Settings { books, choices }, &of("po", text));
            let found = fields.first().map(|field| json!(field)["StringValue"].clone());
            assert_eq!(found, expected.map(|text| json!(text)));
            assert_eq!(unfit, [("PO #".to_owned(), Unfit::Refused)]);
        };
        check("Order {po}", "4711 🎁", Some("Order 4711"));
        check("{po}", "🎁", None);
        check("🎁 {po}", "4711", Some("4711"));
    }
}

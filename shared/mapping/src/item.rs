//! A line's item: the one its HubSpot product is linked to, else by SKU, else by full name, else by name.
//!
//! A step with two hits stops: which of them is meant is not ours to guess. Inactive items, categories and bundles never
//! match, but they are told of when nothing else does.
//!
//! Where the action says so, what no item fits becomes a new one, at the top level and once: lines with one SKU or one name
//! are of one product.

use crate::line::Article;
use crate::lookup::Links;
use crate::problem::{Problem, Unusable};
use crate::quickbooks::{Item, ItemId, NewItem, NewItemKind, Ref};
use crate::settings::{Settings, Tax};
use crate::text::{cut, fold, length, single_line};
use std::collections::BTreeMap;

/// The longest `Name` and `Sku` (quickbooks.md §2.7): what is longer is nowhere.
const NAME_LIMIT: usize = 100;

/// What QuickBooks appends to the name of an item made inactive (quickbooks.md §2.6, §12.11).
const DELETED: &str = " (deleted)";

/// What the action does with a line that no item fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingItem {
    /// Nothing is created.
    #[default]
    Refuse,
    /// The line stands on the default item of the settings.
    DefaultItem,
    /// An item is created for it.
    Create,
}

/// What a line stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemFound {
    /// It is there.
    Existing(MatchedItem),
    /// It has to be created.
    Missing(NewItem),
}

impl ItemFound {
    /// The item, where it is there.
    pub fn existing(&self) -> Option<&MatchedItem> {
        match self {
            Self::Existing(item) => Some(item),
            Self::Missing(_) => None,
        }
    }
}

/// The item of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedItem {
    /// Its id.
    pub id: ItemId,
    /// Its full name; none when a link or the settings decided, as nothing was asked.
    pub name: Option<String>,
    /// The step that decided.
    pub matched: ItemMatch,
}

/// The step that decided on an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemMatch {
    /// Remembered from an earlier execution.
    Link,
    /// The SKUs are equal.
    Sku,
    /// The line's name is the item's `FullyQualifiedName`.
    FullName,
    /// The line's name is the item's `Name`.
    Name,
    /// Nothing fits, and the settings say what then.
    Default,
}

impl ItemMatch {
    /// The step as a preview names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Sku => "sku",
            Self::FullName => "full_name",
            Self::Name => "name",
            Self::Default => "default",
        }
    }
}

/// What sets a custom line apart from a product, whose id has no such character.
const CUSTOM: char = '\n';

/// What a line's item is remembered by: its HubSpot product, or for a custom line the SKU and name it is looked for by.
pub fn known_as(article: &Article) -> Option<String> {
    let custom = || {
        let (sku, name) = (article.sku.as_deref().map(fold), article.name.as_deref().map(folded_name));
        let known = sku.is_some() || name.is_some();
        known.then(|| format!("{}{CUSTOM}{}", sku.unwrap_or_default(), name.unwrap_or_default()))
    };
    article.product_id.clone().or_else(custom)
}

/// Whether this is a custom line's: what it is looked for by may fit another item tomorrow.
pub fn is_custom(known_as: &str) -> bool {
    known_as.contains(CUSTOM)
}

/// The item remembered for a line.
pub(crate) fn linked<'a>(article: &Article, links: &'a Links) -> Option<&'a ItemId> {
    links.items.get(&known_as(article)?)
}

pub(crate) fn sku_to_ask(article: &Article) -> Option<String> {
    article.sku.clone().filter(|sku| length(sku) <= NAME_LIMIT)
}

/// The names under which a line's item may stand: the last part of `Category:Name`, as full names cannot be asked for
/// (quickbooks.md §3.4). A line without SKU can be told of an inactive item by its changed name only.
pub(crate) fn names_to_ask(article: &Article) -> Vec<String> {
    let Some(name) = article.name.as_deref().map(last_part).filter(|name| !name.is_empty()) else {
        return Vec::new();
    };
    let deleted = article.sku.is_none().then(|| format!("{name}{DELETED}"));
    let names = [name.to_owned()].into_iter().chain(deleted);
    names.filter(|name| length(name) <= NAME_LIMIT).collect()
}

/// The items QuickBooks answered with, each once.
pub(crate) struct Catalog<'a>(Vec<&'a Item>);

impl<'a> Catalog<'a> {
    pub(crate) fn new(items: &'a [Item]) -> Self {
        let by_id: BTreeMap<&ItemId, &Item> = items.iter().map(|item| (&item.id, item)).collect();
        Self(by_id.into_values().collect())
    }

    /// The chain of product.md §4.
    pub(crate) fn find(&self, article: &Article, links: &Links) -> Result<MatchedItem, Problem> {
        if let Some(id) = linked(article, links) {
            return Ok(MatchedItem { id: id.clone(), name: None, matched: ItemMatch::Link });
        }
        if article.name.is_none() && article.sku.is_none() {
            return Err(Problem::LineNameless { line: article.label() });
        }
        let mut unusable = None;
        for step in [ItemMatch::Sku, ItemMatch::FullName, ItemMatch::Name] {
            let (usable, others): (Vec<&Item>, Vec<&Item>) =
                self.hits(article, step).partition(|item| reason_against(item).is_none());
            match usable.as_slice() {
                [] => unusable = unusable.or(others.first().copied()),
                [item] => return Ok(matched(item, step)),
                several => return Err(ambiguous(article, several)),
            }
        }
        Err(not_found(article, unusable))
    }

    fn hits(&self, article: &Article, step: ItemMatch) -> impl Iterator<Item = &'a Item> {
        let wanted = match step {
            ItemMatch::Link | ItemMatch::Default => None,
            ItemMatch::Sku => article.sku.as_deref().map(fold),
            ItemMatch::FullName | ItemMatch::Name => article.name.as_deref().map(folded_name),
        };
        self.0.iter().copied().filter(move |item| wanted.is_some() && key(item, step) == wanted)
    }
}

/// The item of the settings for what has none of its own.
pub(crate) fn default_item(subject: String, settings: &Settings) -> Result<MatchedItem, Problem> {
    match settings.choices.default_item.clone() {
        Some(id) => Ok(MatchedItem { id, name: None, matched: ItemMatch::Default }),
        None => Err(Problem::DefaultItemMissing { subject }),
    }
}

/// The item to create for what has none: under its name, else its SKU.
pub(crate) fn to_create(article: &Article, settings: &Settings) -> Result<NewItem, Problem> {
    let line = || article.label();
    let name = name_to_create(article).ok_or_else(|| Problem::LineNameless { line: line() })?;
    let account = settings.choices.income_account.clone();
    let account = account.ok_or_else(|| Problem::IncomeAccountMissing { line: line() })?;
    Ok(NewItem {
        name,
        sku: sku_to_ask(article),
        kind: NewItemKind::NonInventory,
        // A line that says nothing of tax is taxed as its item is (quickbooks.md §2.5).
        taxable: settings.books.is_american().then_some(settings.choices.tax != Tax::None),
        income_account_ref: Ref::to(account),
    })
}

/// The name of an item that is created for an article, the same at every attempt. QuickBooks keeps `:` for categories (§2.7).
/// None when nothing is left.
pub fn name_to_create(article: &Article) -> Option<String> {
    let texts = [&article.name, &article.sku].into_iter().flatten();
    let mut names = texts.map(|text| cut(&single_line(&text.replace(':', " ")), NAME_LIMIT).to_owned());
    names.find(|name| !name.is_empty())
}

/// Whether an item that is created for an article is called otherwise than it: QuickBooks has no room for the name, or a colon.
pub(crate) fn is_renamed(article: &Article) -> bool {
    let name = article.name.as_ref().or(article.sku.as_ref());
    name.is_some_and(|name| name_to_create(article).as_ref() != Some(name))
}

/// Whether an item is created without the SKU of its article: QuickBooks has no room for it.
pub fn is_sku_left_out(article: &Article, item: &ItemFound) -> bool {
    matches!(item, ItemFound::Missing(_)) && article.sku.is_some() && sku_to_ask(article).is_none()
}

/// An item's name as it is compared: QuickBooks' names are unique without regard to case.
pub fn folded(name: &str) -> String {
    fold(name)
}

/// Lines of one product, by name or SKU, stand on one new item: the first line's.
pub(crate) fn each_once(items: &mut [ItemFound]) {
    let mut created: Vec<NewItem> = Vec::new();
    for item in items {
        let ItemFound::Missing(new) = item else { continue };
        match created.iter().find(|other| are_one(other, new)) {
            Some(first) => new.clone_from(first),
            None => created.push(new.clone()),
        }
    }
}

fn are_one(a: &NewItem, b: &NewItem) -> bool {
    let sku = |item: &NewItem| item.sku.as_deref().map(fold);
    fold(&a.name) == fold(&b.name) || (sku(a).is_some() && sku(a) == sku(b))
}

/// What an item is compared by at a step.
fn key(item: &Item, step: ItemMatch) -> Option<String> {
    match step {
        ItemMatch::Link | ItemMatch::Default => None,
        ItemMatch::Sku => item.sku.as_deref().map(fold),
        ItemMatch::FullName => Some(former_name(item, full_name(item))),
        ItemMatch::Name => Some(former_name(item, &item.name)),
    }
}

/// An item's name to compare by, as it was before the item was made inactive.
fn former_name(item: &Item, name: &str) -> String {
    let name = folded_name(name);
    match name.strip_suffix(DELETED) {
        Some(former) if !item.active => former.to_owned(),
        _ => name,
    }
}

fn matched(item: &Item, matched: ItemMatch) -> MatchedItem {
    MatchedItem { id: item.id.clone(), name: Some(full_name(item).to_owned()), matched }
}

fn ambiguous(article: &Article, several: &[&Item]) -> Problem {
    let candidates = several.iter().map(|item| full_name(item).to_owned()).collect();
    Problem::ItemAmbiguous { line: article.label(), candidates }
}

fn not_found(article: &Article, unusable: Option<&Item>) -> Problem {
    let line = article.label();
    match unusable.and_then(|item| Some((item, reason_against(item)?))) {
        Some((item, reason)) => Problem::ItemUnusable { line, item: full_name(item).to_owned(), reason },
        None => Problem::ItemNotFound { line, sku: article.sku.clone() },
    }
}

/// Why an item cannot stand on a line; none when it can.
pub fn reason_against(item: &Item) -> Option<Unusable> {
    match (item.active, item.kind.as_str()) {
        (false, _) => Some(Unusable::Inactive),
        (true, "Category") => Some(Unusable::Category),
        // Queries know it by either name (quickbooks.md §2.7).
        (true, "Group" | "Bundle") => Some(Unusable::Bundle),
        (true, _) => None,
    }
}

/// Whether an item has this name at the top level, where items are created: names are unique there (6240).
pub fn is_namesake(item: &Item, name: &str) -> bool {
    item.active && fold(full_name(item)) == fold(name)
}

fn full_name(item: &Item) -> &str {
    item.fully_qualified_name.as_deref().unwrap_or(&item.name)
}

/// Folded, without white space around the colons between categories.
fn folded_name(name: &str) -> String {
    name.split(':').map(fold).collect::<Vec<_>>().join(":")
}

fn last_part(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Books;
    use crate::hubspot::{LineItem, RecordId};
    use crate::line;
    use crate::quickbooks::AccountId;
    use crate::settings::Choices;
    use crate::testing::{item, over};
    use serde_json::{Value, from_value, json};
    use std::slice::from_ref;

    fn article(properties: Value) -> Article {
        line::article(1, &LineItem { id: RecordId(601), properties: from_value(properties).unwrap() })
    }

    /// `expected`: the step and id, or the problem's debug form.
    fn check(line: Value, items: &[Value], expected: &str) {
        let items: Vec<Item> = items.iter().cloned().map(item).collect();
        let links = Links { items: [("9001".into(), ItemId("77".into()))].into(), ..Links::default() };
        let found = match Catalog::new(&items).find(&article(line), &links) {
            Ok(MatchedItem { id, matched, .. }) => format!("{matched:?} {id}"),
            Err(problem) => format!("{problem:?}"),
        };
        assert_eq!(found, expected);
    }

    fn known(id: &str, name: &str, sku: Option<&str>) -> Value {
        json!({"Id": id, "Name": name, "Sku": sku, "Type": "Service"})
    }

    fn in_category(id: &str, category: &str, name: &str) -> Value {
        over(known(id, name, None), json!({"FullyQualifiedName": format!("{category}:{name}")}))
    }

    fn inactive(item: Value) -> Value {
        over(item, json!({"Active": false}))
    }

    #[test]
    fn a_remembered_product_comes_before_everything() {
        let line = json!({"name": "Widget", "hs_sku": "WID-1", "hs_product_id": "9001"});
        check(line, &[known("21", "Widget", Some("WID-1"))], "Link 77");
        let nameless = json!({"hs_product_id": "9001"});
        check(nameless, &[], "Link 77");
    }

    #[test]
    fn a_custom_line_is_remembered_by_what_it_is_looked_for_by() {
        let known = |line| known_as(&article(line));
        let same = known(json!({"name": "toys:  Widget", "hs_sku": "wid-1"}));
        assert_eq!(known(json!({"name": "Toys: widget", "hs_sku": " WID-1"})), same);
        assert!(same.is_some_and(|known_as| is_custom(&known_as)));
        assert_ne!(known(json!({"name": "WID-1"})), known(json!({"hs_sku": "WID-1"})));
        let product = known(json!({"name": "Widget", "hs_product_id": "9001"})).unwrap();
        assert_eq!((product.as_str(), is_custom(&product)), ("9001", false));
        assert_eq!(known(json!({"price": "5"})), None);
    }

    #[test]
    fn the_sku_comes_before_the_name() {
        let items = [known("21", "Widget", None), known("22", "Something else", Some(" wid-1 "))];
        check(json!({"name": "Widget", "hs_sku": "WID-1"}), &items, "Sku 22");
        check(json!({"hs_sku": "WID-1"}), &items, "Sku 22");
        check(json!({"name": "Widget", "hs_sku": "NEW-9"}), &items, "FullName 21");
    }

    #[test]
    fn the_full_name_comes_before_the_name() {
        let items = [in_category("21", "Hardware", "Widget"), in_category("22", "Toys", "Widget")];
        check(json!({"name": "toys: widget"}), &items, "FullName 22");
        check(json!({"name": "Widget"}), &items[..1], "Name 21");
        let top_level = over(known("23", "Widget", None), json!({"FullyQualifiedName": "Widget"}));
        check(json!({"name": "Widget"}), &[items[0].clone(), top_level], "FullName 23");
        let other = "ItemNotFound { line: LineLabel { number: 1, name: Some(\"Books:Widget\") }, sku: None }";
        check(json!({"name": "Books:Widget"}), &items, other);
    }

    #[test]
    fn two_items_that_fit_equally_are_both_named() {
        let ambiguous = |a, b| {
            format!(
                "ItemAmbiguous {{ line: LineLabel {{ number: 1, name: Some(\"Widget\") }}, candidates: [{a:?}, {b:?}] }}"
            )
        };
        let items = [in_category("21", "Hardware", "Widget"), in_category("22", "Toys", "Widget")];
        check(json!({"name": "Widget"}), &items, &ambiguous("Hardware:Widget", "Toys:Widget"));
        let same_sku = [known("21", "Widget", Some("W")), known("22", "Widget, old", Some("w"))];
        check(json!({"name": "Widget", "hs_sku": "W"}), &same_sku, &ambiguous("Widget", "Widget, old"));
        check(json!({"name": "Widget"}), &[items[0].clone(), items[0].clone()], "Name 21");
    }

    #[test]
    fn inactive_items_categories_and_bundles_are_told_of_only_when_nothing_else_fits() {
        let unusable = |item, reason| {
            format!(
                "ItemUnusable {{ line: LineLabel {{ number: 1, name: Some(\"Widget\") }}, item: {item:?}, reason: {reason} }}"
            )
        };
        let gone = inactive(known("21", "Widget (deleted)", Some("WID-1")));
        let category = over(known("22", "Widget", None), json!({"Type": "Category"}));
        let line = json!({"name": "Widget", "hs_sku": "WID-1"});
        check(line.clone(), from_ref(&gone), &unusable("Widget (deleted)", "Inactive"));
        check(json!({"name": "Widget"}), from_ref(&gone), &unusable("Widget (deleted)", "Inactive"));
        check(json!({"name": "Widget"}), from_ref(&category), &unusable("Widget", "Category"));
        let bundle = over(known("24", "Widget", Some("WID-1")), json!({"Type": "Group"}));
        check(line.clone(), from_ref(&bundle), &unusable("Widget", "Bundle"));
        check(line, &[gone, category, bundle, in_category("23", "Hardware", "Widget")], "Name 23");
    }

    #[test]
    fn a_line_without_an_item_is_named_with_its_sku() {
        let label = "line: LineLabel { number: 1, name: Some(\"Setup fee\") }";
        check(json!({"name": "Setup fee"}), &[], &format!("ItemNotFound {{ {label}, sku: None }}"));
        let with_sku = json!({"name": "Setup fee", "hs_sku": "SET-1"});
        check(
            with_sku,
            &[known("21", "Widget", None)],
            &format!("ItemNotFound {{ {label}, sku: Some(\"SET-1\") }}"),
        );
        check(
            json!({"name": "🎁", "hs_sku": "🎁"}),
            &[],
            "LineNameless { line: LineLabel { number: 1, name: None } }",
        );
        check(json!({"price": "5"}), &[], "LineNameless { line: LineLabel { number: 1, name: None } }");
    }

    #[test]
    fn a_new_item_is_called_as_quickbooks_allows() {
        let check = |line, expected: Option<&str>| {
            assert_eq!(name_to_create(&article(line)).as_deref(), expected);
        };
        check(json!({"name": "Window lettering", "hs_sku": "LET-1"}), Some("Window lettering"));
        check(json!({"name": "Hardware: Widget\n blue 🎁"}), Some("Hardware Widget blue"));
        check(json!({"name": ":", "hs_sku": "LET-1"}), Some("LET-1"));
        check(json!({"name": format!("{} blue", "W".repeat(98))}), Some(&format!("{} b", "W".repeat(98))));
        check(json!({"name": format!("{} blue", "W".repeat(99))}), Some(&"W".repeat(99)));
        check(json!({"name": ": :"}), None);
    }

    #[test]
    fn a_new_item_is_booked_and_taxed_as_the_settings_say() {
        let written = |country: Option<&str>, tax| {
            let books = Books { country: country.map(str::to_owned), ..Books::default() };
            let income_account = Some(AccountId("79".into()));
            let settings = Settings { books, choices: Choices { income_account, tax, ..Choices::default() } };
            let sku = "S".repeat(if country.is_none() { 101 } else { 3 });
            json!(to_create(&article(json!({"name": "Lettering", "hs_sku": sku})), &settings).unwrap())
        };
        let item = |more| {
            let base =
                json!({"Name": "Lettering", "Type": "NonInventory", "IncomeAccountRef": {"value": "79"}});
            over(base, more)
        };
        // What is too long for a SKU is none.
        assert_eq!(written(None, Tax::QuickBooks), item(json!({"Taxable": true})));
        assert_eq!(written(Some("US"), Tax::None), item(json!({"Sku": "SSS", "Taxable": false})));
        assert_eq!(written(Some("FR"), Tax::QuickBooks), item(json!({"Sku": "SSS"})));
        let line = article(json!({"name": "Lettering"}));
        let missing = Problem::IncomeAccountMissing { line: line.label() };
        assert_eq!(to_create(&line, &Settings::default()), Err(missing));
    }

    #[test]
    fn lines_of_one_product_stand_on_one_new_item() {
        let choices = Choices { income_account: Some(AccountId("79".into())), ..Choices::default() };
        let settings = Settings { choices, ..Settings::default() };
        let new = |name: &str, sku: Option<&str>| {
            let article = article(json!({"name": name, "hs_sku": sku}));
            ItemFound::Missing(to_create(&article, &settings).unwrap())
        };
        let mut items = [
            new("Lettering", Some("LET-1")),
            new("Frame", None),
            new("LETTERING ", None),
            new("Lettering, gold", Some("let-1")),
        ];
        let (first, other) = (items[0].clone(), items[1].clone());
        each_once(&mut items);
        assert_eq!(items, [first.clone(), other, first.clone(), first]);
    }

    #[test]
    fn names_are_asked_for_as_quickbooks_keeps_them() {
        let check = |line, expected: &[&str]| assert_eq!(names_to_ask(&article(line)), expected);
        check(json!({"name": "Hardware: Widget", "hs_sku": "WID-1"}), &["Widget"]);
        check(json!({"name": "Widget\n blue"}), &["Widget blue", "Widget blue (deleted)"]);
        check(json!({"name": "Widget:"}), &[]);
        check(json!({"name": "W".repeat(101)}), &[]);
    }
}

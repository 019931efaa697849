//! A random company: what it is seeded with, and what is done to it over HTTP before it is asked.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use simulators::control::{Serving, serve};
use simulators::quickbooks::QuickBooks;
use simulators::quickbooks::conformance;
use tokio::runtime::{Builder, Runtime};

use super::language::ENTITIES;

const REALM: &str = "9341450000000001";

/// The simulator's day, on both sides of the Atlantic.
pub(super) const TODAY: &str = "2030-01-15";

const NOON: &str = "2030-01-15T20:00:00Z";

/// Every row of every entity, oldest first.
pub(super) type Rows = BTreeMap<&'static str, Vec<Value>>;

#[derive(Clone, Debug)]
pub(super) struct Plan {
    people: Vec<Person>,
    skus: Vec<Option<String>>,
    deeds: Vec<Deed>,
}

#[derive(Clone, Debug)]
struct Person {
    name: String,
    given_name: Option<String>,
    email: Option<&'static str>,
    list: &'static str,
    is_active: bool,
}

#[derive(Clone, Debug)]
enum Deed {
    /// A document or payment of some customer, by the name of its route.
    Create {
        entity: &'static str,
        customer: Index,
        day: Option<String>,
        number: Option<String>,
        cents: u32,
    },
    Renumber {
        entity: &'static str,
        row: Index,
        number: String,
    },
    Rename {
        customer: Index,
        name: String,
    },
    Retire {
        customer: Index,
    },
    Delete {
        entity: &'static str,
        row: Index,
    },
    Wait {
        seconds: i64,
    },
}

impl Arbitrary for Plan {
    type Parameters = ();
    type Strategy = BoxedStrategy<Plan>;

    fn arbitrary_with(_: ()) -> BoxedStrategy<Plan> {
        let people = prop::collection::vec(person(), 0..12);
        let skus = prop::collection::vec(prop::option::of("[ab%]{1,2}"), 0..5);
        let deeds = prop::collection::vec(deed(), 0..16);
        (people, skus, deeds).prop_map(|(people, skus, deeds)| Plan { people, skus, deeds }).boxed()
    }
}

fn person() -> impl Strategy<Value = Person> {
    let name = || "[ a-cA-C'%\\\\é東]{1,3}";
    let email = prop::option::of(select(vec!["a@b.example", "A@B.example", "c@b.example"]));
    let list = select(vec!["customers", "customers", "customers", "vendors", "employees"]);
    (name(), prop::option::of(name()), email, list, prop::bool::weighted(0.8)).prop_map(
        |(name, given_name, email, list, is_active)| Person { name, given_name, email, list, is_active },
    )
}

fn deed() -> impl Strategy<Value = Deed> {
    let number = || "[ab]-?[0-9]{1,2}";
    let entity = || select(vec!["Invoice", "Estimate", "SalesReceipt", "Payment"]);
    let numbered = select(vec!["Invoice", "Estimate", "SalesReceipt"]);
    let day = prop::option::of("2026-03-0[1-9]");
    let create = (entity(), any::<Index>(), day, prop::option::of(number()), 1_u32..5_000);
    prop_oneof![
        6 => create.prop_map(|(entity, customer, day, number, cents)| {
            Deed::Create { entity, customer, day, number, cents }
        }),
        1 => (numbered, any::<Index>(), number()).prop_map(|(entity, row, number)| {
            Deed::Renumber { entity, row, number }
        }),
        1 => (any::<Index>(), "[a-c ]{2,3}").prop_map(|(customer, name)| Deed::Rename { customer, name }),
        1 => any::<Index>().prop_map(|customer| Deed::Retire { customer }),
        1 => (entity(), any::<Index>()).prop_map(|(entity, row)| Deed::Delete { entity, row }),
        1 => (1_i64..40).prop_map(|seconds| Deed::Wait { seconds }),
    ]
}

impl Plan {
    /// One that is always the same.
    pub(super) fn small() -> Plan {
        let person = |name: &str, is_active| Person {
            name: name.to_owned(),
            given_name: None,
            email: Some("a@b.example"),
            list: "customers",
            is_active,
        };
        Plan {
            people: vec![person("O'Brien", true), person("Søn", false)],
            skus: vec![Some("WID".into())],
            deeds: vec![],
        }
    }

    fn seed(&self) -> Value {
        let mut company = json!({"realm_id": REALM, "access_tokens": ["good"], "switches": {"limits": null, "quota": null},
            "customers": [{"DisplayName": "Steady"}], "vendors": [], "employees": [],
            "items": [{"Name": "Steady", "Sku": "Steady"}],
            "classes": [{"Name": "West"}, {"Name": "east", "Active": false}],
            "departments": [{"Name": "Quay"}],
            "currencies": [{"Code": "EUR"}, {"Code": "CAD", "Active": false}],
            "tax_rates": [{"Name": "State", "RateValue": 5}, {"Name": "city", "RateValue": 2}]});
        for (number, person) in self.people.iter().enumerate() {
            let mut row =
                json!({"DisplayName": format!("{}{number}", person.name), "Active": person.is_active});
            if let Some(name) = &person.given_name {
                row["GivenName"] = json!(name);
            }
            if let Some(email) = person.email.filter(|_| person.list == "customers") {
                row["PrimaryEmailAddr"] = json!({"Address": email});
            }
            company[person.list].as_array_mut().unwrap().push(row);
        }
        for (number, sku) in self.skus.iter().enumerate() {
            let mut row = json!({"Name": format!("Item {number}"), "Active": number % 3 != 1});
            if let Some(sku) = sku {
                row["Sku"] = json!(sku);
            }
            company["items"].as_array_mut().unwrap().push(row);
        }
        json!({"companies": [company]})
    }
}

/// The company, served.
pub(super) struct Books {
    quickbooks: QuickBooks,
    serving: Serving,
    client: reqwest::Client,
    runtime: Runtime,
}

/// Neither statements nor what is done to the books may bring about a body that Intuit's XSDs do not allow.
impl Drop for Books {
    fn drop(&mut self) {
        let found: Vec<_> = self.quickbooks.nonconforming().iter().map(ToString::to_string).collect();
        assert!(found.is_empty() || std::thread::panicking(), "{}", found.join("\n"));
    }
}

impl Books {
    pub(super) fn new(plan: &Plan) -> Books {
        let quickbooks = match conformance::beside_the_checkout().unwrap() {
            Some(schemas) => QuickBooks::new().checked(schemas),
            None => QuickBooks::new(),
        };
        let noon: Timestamp = NOON.parse().unwrap();
        quickbooks.control().advance(noon.duration_since(quickbooks.control().now()));
        quickbooks.seed(plan.seed()).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let serving = runtime.block_on(serve(quickbooks.router(), 0)).unwrap();
        let books = Books { quickbooks, serving, client: reqwest::Client::new(), runtime };
        plan.deeds.iter().for_each(|deed| books.act(deed));
        books
    }

    /// Status and body of the answer.
    pub(super) fn query(&self, statement: &[u8], is_posted: bool) -> (u16, Value) {
        let url = self.url("query");
        self.answer(match std::str::from_utf8(statement) {
            Ok(text) if !is_posted => self.client.get(url).query(&[("query", text)]),
            _ => self.client.post(url).header("content-type", "application/text").body(statement.to_vec()),
        })
    }

    /// All there is in the books.
    pub(super) fn rows(&self) -> Rows {
        let company = self.quickbooks.state()["companies"][0].take();
        let info = || self.answer(self.client.get(self.url(&format!("companyinfo/{REALM}")))).1;
        let rows = ENTITIES.iter().map(|(entity, ..)| {
            let rows = match *entity {
                "Preferences" => vec![company["preferences"].clone()],
                "CompanyInfo" => vec![info()["CompanyInfo"].take()],
                _ => company[*entity].as_array().unwrap().clone(),
            };
            (*entity, rows)
        });
        rows.collect()
    }

    /// Whether the simulator knew what to do with everything it was asked.
    pub(super) fn all_calls_are_expected(&self) -> bool {
        self.quickbooks.control().calls().iter().all(|call| !call.unexpected)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v3/company/{REALM}/{path}", self.serving.url)
    }

    fn answer(&self, request: RequestBuilder) -> (u16, Value) {
        self.runtime.block_on(async {
            let request = request.bearer_auth("good").header("accept", "application/json");
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
        })
    }

    /// What the books refuse is left undone: an inactive customer buys nothing.
    fn act(&self, deed: &Deed) {
        let customers = || self.rows()["Customer"].clone();
        let changed = |row: &Value, name: &str, value: Value| json!({"Id": row["Id"], "SyncToken": row["SyncToken"], "sparse": true, name: value});
        match deed {
            Deed::Create { entity, customer, day, number, cents } => {
                let (customer, item) =
                    (customer.get(&customers())["Id"].clone(), self.rows()["Item"][0]["Id"].clone());
                let mut body = created(entity, &customer, &item, *cents);
                for (name, value) in [("TxnDate", day), ("DocNumber", number)] {
                    if let Some(value) =
                        value.as_ref().filter(|_| (*entity, name) != ("Payment", "DocNumber"))
                    {
                        body[name] = json!(value);
                    }
                }
                self.post(&entity.to_lowercase(), &body);
            }
            Deed::Renumber { entity, row, number } => {
                if let Some(row) = some(&self.rows()[entity], *row) {
                    self.post(&entity.to_lowercase(), &changed(row, "DocNumber", json!(number)));
                }
            }
            Deed::Rename { customer, name } => {
                self.post("customer", &changed(customer.get(&customers()), "DisplayName", json!(name)));
            }
            Deed::Retire { customer } => {
                self.post("customer", &changed(customer.get(&customers()), "Active", json!(false)));
            }
            Deed::Delete { entity, row } => {
                if let Some(row) = some(&self.rows()[entity], *row) {
                    self.post(&format!("{}?operation=delete", entity.to_lowercase()), row);
                }
            }
            Deed::Wait { seconds } => {
                self.quickbooks.control().advance(SignedDuration::from_secs(*seconds));
            }
        }
    }

    fn post(&self, path: &str, body: &Value) {
        let (status, answer) = self.answer(self.client.post(self.url(path)).json(body));
        assert!(matches!(status, 200 | 400), "{path} {body}\n{answer}");
    }
}

fn some(rows: &[Value], index: Index) -> Option<&Value> {
    (!rows.is_empty()).then(|| index.get(rows))
}

fn created(entity: &str, customer: &Value, item: &Value, cents: u32) -> Value {
    let amount: Value = serde_json::from_str(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap();
    let customer = json!({"value": customer});
    if entity == "Payment" {
        return json!({"CustomerRef": customer, "TotalAmt": amount});
    }
    json!({"CustomerRef": customer, "Line": [{"DetailType": "SalesItemLineDetail", "Amount": amount,
        "SalesItemLineDetail": {"ItemRef": {"value": item}}}]})
}

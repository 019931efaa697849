//! The conditional writes of a record, on the embedded DynamoDB through the real SDK.

use local::dynamodb::Dynamodb;
use store::record::Key;
use store::{Names, Store};

use crate::lossy::Lossy;

#[path = "../suite/records.rs"]
mod suite;

struct Backing {
    dynamodb: Dynamodb,
    store: Store,
    lossy: Option<Lossy>,
}

impl Backing {
    async fn start() -> Self {
        let dynamodb = Dynamodb::start().await.unwrap();
        let client = local::aws::dynamodb(&dynamodb.url);
        let template = include_str!("../../template.yaml");
        let template = local::template::Template::parse(template).unwrap();
        local::dynamodb::create_table(&client, "records", &template.table).await.unwrap();
        Self { store: store_at(&dynamodb.url), dynamodb, lossy: None }
    }

    /// Puts a proxy in front that can lose replies.
    async fn be_lossy(&mut self) {
        let lossy = Lossy::in_front_of(&self.dynamodb.url).await;
        self.store = store_at(&lossy.url);
        self.lossy = Some(lossy);
    }

    fn lose_the_next_reply(&self) {
        self.lossy.as_ref().unwrap().lose_the_next_reply();
    }

    fn lost(&self) -> u64 {
        self.lossy.as_ref().unwrap().lost()
    }

    /// `ttl` in seconds, or `next_at` in milliseconds, of the only record.
    async fn attribute(&self, _: &Key, name: &str) -> Option<String> {
        let client = local::aws::dynamodb(&self.dynamodb.url);
        let items = client.scan().table_name("records").send().await.unwrap();
        let value = items.items().first()?.get(name)?.clone();
        value.as_n().or(value.as_s()).ok().cloned()
    }
}

pub(crate) fn store_at(url: &str) -> Store {
    let names = Names {
        table: "records".into(),
        app_secret: "app".into(),
        token_prefix: "t/".into(),
        token_key: None,
    };
    let no_secrets = local::aws::secrets_manager("http://127.0.0.1:9");
    Store::new(local::aws::dynamodb(url), no_secrets, names)
}

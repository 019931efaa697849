//! DynamoDB in this process: dynoxide behind its HTTP endpoint, with the table of the template.

use std::error::Error;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use tokio::sync::oneshot;

use crate::task::{self, Task};
use crate::template::{Index, Key, Table};

/// A running database, empty at first and gone when dropped.
#[derive(Debug)]
pub struct Dynamodb {
    /// The endpoint's URL.
    pub url: String,
    _server: Task,
    _stop: oneshot::Sender<()>,
}

impl Dynamodb {
    /// Starts a database in memory on a free loopback port.
    ///
    /// # Errors
    /// When the database cannot be opened or there is no port to listen on.
    pub async fn start() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let database = dynoxide::Database::memory()?;
        let (listener, address) = task::listen(0).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Task::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            let _ = dynoxide::server::serve_with_shutdown(listener, database, stopped).await;
        });
        Ok(Self { url: format!("http://{address}"), _server: server, _stop: stop })
    }
}

/// Creates a table as the template declares it, through the SDK.
///
/// # Errors
/// When DynamoDB refuses the declaration.
pub async fn create_table(
    client: &Client,
    name: &str,
    table: &Table,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let attributes = table.attributes.iter().map(attribute).collect::<Result<Vec<_>, _>>()?;
    let indexes = table.indexes.iter().map(index).collect::<Result<Vec<_>, _>>()?;
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes))
        .set_key_schema(Some(key(&table.key)?))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
        .send()
        .await?;
    if let Some(ttl) = &table.ttl {
        let ttl = TimeToLiveSpecification::builder().attribute_name(ttl).enabled(true).build()?;
        client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await?;
    }
    Ok(())
}

type Built<T> = Result<T, aws_sdk_dynamodb::error::BuildError>;

fn attribute((name, kind): &(String, String)) -> Built<AttributeDefinition> {
    let kind = ScalarAttributeType::from(kind.as_str());
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
}

fn index(index: &Index) -> Built<GlobalSecondaryIndex> {
    let projection =
        Projection::builder().projection_type(ProjectionType::from(index.projection.as_str())).build();
    GlobalSecondaryIndex::builder()
        .index_name(&index.name)
        .set_key_schema(Some(key(&index.key)?))
        .projection(projection)
        .build()
}

fn key(key: &Key) -> Built<Vec<KeySchemaElement>> {
    let element = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    let range = key.range.as_deref().map(|name| element(name, KeyType::Range));
    [Some(element(&key.hash, KeyType::Hash)), range].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::aws;
    use crate::template::Template;

    #[tokio::test]
    async fn the_template_s_table_takes_records_and_lists_the_due_ones() {
        let template = Template::parse(include_str!("../../../template.yaml")).unwrap();
        let dynamodb = Dynamodb::start().await.unwrap();
        let client = aws::dynamodb(&dynamodb.url);
        create_table(&client, "records", &template.table).await.unwrap();
        let put = |sort: &str| {
            let text = |value: &str| AttributeValue::S(value.to_owned());
            client.put_item().table_name("records").item("pk", text("p")).item("sk", text(sort))
        };
        put("done").send().await.unwrap();
        let due = put("open").item("due", AttributeValue::S("0".to_owned()));
        due.item("next_at", AttributeValue::N("7".to_owned())).send().await.unwrap();
        let found = client
            .query()
            .table_name("records")
            .index_name("due")
            .key_condition_expression("due = :due AND next_at < :now")
            .expression_attribute_values(":due", AttributeValue::S("0".to_owned()))
            .expression_attribute_values(":now", AttributeValue::N("8".to_owned()))
            .send()
            .await
            .unwrap();
        let sorts: Vec<_> = found.items().iter().map(|item| item["sk"].as_s().unwrap().as_str()).collect();
        assert_eq!(sorts, ["open"]);
    }
}

//! What each function is given to do.

use std::error::Error;

use local::lambda::Pool;
use local::{Stack, world};
use serde_json::{Value, json};

/// Has a function do its usual work once. Everything it needs of HubSpot's contact and products is remembered after the first
/// time; the document is a new one every time.
pub(super) async fn once(
    stack: &Stack,
    function: &str,
    pool: &Pool,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let default = json!({"quickbooks_account": "default"});
    match function {
        "invoice" => {
            execute(
                stack,
                function,
                world::HARBOR,
                &json!({"quickbooks_account": "default", "due_days": "30"}),
            )
            .await
        }
        "estimate" => execute(stack, function, world::HARBOR, &default).await,
        "receipt" => execute(stack, function, world::PAID_DEAL, &default).await,
        "options" => open_drop_down(stack).await,
        "connect" => begin_to_sign_in(stack).await,
        _ => invoke(pool).await,
    }
}

async fn execute(
    stack: &Stack,
    action: &str,
    deal: u64,
    inputs: &Value,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let history = stack
        .execute(&json!({
            "action": action, "portal_id": world::PORTAL.0, "object_type": "DEAL", "object_id": deal, "inputs": inputs,
        }))
        .await?;
    match history["state"] == "SUCCESS" {
        true => Ok(()),
        false => Err(format!("{action}: {history:#}").into()),
    }
}

/// To HubSpot's consent page: one write.
async fn begin_to_sign_in(stack: &Stack) -> Result<(), Box<dyn Error + Send + Sync>> {
    let page = stack.http.get(format!("{}/connect/hubspot", stack.info.public_base_url)).send().await?;
    page.error_for_status()?;
    Ok(())
}

/// The accounts to deposit to: the portal, its tokens and one query.
async fn open_drop_down(stack: &Stack) -> Result<(), Box<dyn Error + Send + Sync>> {
    let answer = stack
        .options(&json!({
            "action": "receipt", "portal_id": world::PORTAL.0, "field": "deposit_account",
            "inputs": {"quickbooks_account": world::REALM},
        }))
        .await?;
    match answer["options"].as_array().is_some_and(|options| !options.is_empty()) {
        true => Ok(()),
        false => Err(format!("options: {answer:#}").into()),
    }
}

/// An event of API Gateway that asks nothing.
async fn invoke(pool: &Pool) -> Result<(), Box<dyn Error + Send + Sync>> {
    let http = json!({"method": "POST", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""});
    let event = json!({
        "version": "2.0", "routeKey": "POST /", "rawPath": "/", "rawQueryString": "", "headers": {},
        "requestContext": {"http": http, "stage": "$default", "timeEpoch": 0}, "body": "{}", "isBase64Encoded": false,
    });
    pool.invoke(event.to_string().into()).await?;
    Ok(())
}

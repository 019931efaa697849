//! 6140: a document number that is used twice.

use super::*;

fn numbered(number: &str) -> Value {
    invoice_with(|i| i["DocNumber"] = json!(number))
}

/// Numbers are given by people, who are warned.
async fn watched() -> Books {
    let books = books().await;
    books.seed(json!({"preferences": {"SalesFormsPrefs": {"CustomTxnNumbers": true}},
        "switches": {"warn_duplicate_number": true}}));
    books
}

async fn detail(books: &Books, path: &str) -> String {
    let (_, answer) = json_of(books.post(path, &numbered("HS-1"))).await;
    assert_eq!(code(&answer), "6140", "{answer}");
    answer["Fault"]["Error"][0]["Detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_number_used_twice_is_refused_only_with_custom_numbers_and_the_warning() {
    for (custom, warns) in [(true, false), (false, true), (false, false)] {
        let books = books().await;
        books.seed(json!({"preferences": {"SalesFormsPrefs": {"CustomTxnNumbers": custom}},
            "switches": {"warn_duplicate_number": warns}}));
        for _ in 0..2 {
            books.create("invoice", numbered("HS-1")).await;
        }
    }
    let books = watched().await;
    books.create("invoice", numbered("HS-1")).await;
    assert_eq!(books.refused("invoice", numbered("HS-1")).await, "6140");
    for _ in 0..2 {
        books.create("invoice", invoice()).await;
    }
}

#[tokio::test]
async fn the_detail_ends_with_the_document_in_english_and_in_french() {
    let books = watched().await;
    books.create("salesreceipt", numbered("HS-1")).await;
    let english = detail(&books, "salesreceipt").await;
    assert!(
        english.ends_with("DocNumber=HS-1 is assigned to TxnType=Sales Receipt with TxnId=7"),
        "{english}"
    );
    books.switch(json!({"warn_duplicate_number": true, "duplicate_number": "localised"}));
    let french = detail(&books, "salesreceipt").await;
    assert!(french.ends_with("TxnType=Reçu de vente with TxnId=7"), "{french}");
}

#[tokio::test]
async fn documents_of_other_types_share_numbers_by_the_switch_only() {
    let books = watched().await;
    books.create("invoice", numbered("HS-1")).await;
    assert!(detail(&books, "estimate").await.ends_with("TxnType=Invoice with TxnId=7"));
    books.switch(json!({"warn_duplicate_number": true, "number_family": "type"}));
    books.create("estimate", numbered("HS-1")).await;
}

#[tokio::test]
async fn the_check_can_be_bypassed_and_does_not_meet_itself() {
    let books = watched().await;
    books.create("invoice", numbered("HS-1")).await;
    books.create("invoice?include=allowduplicatedocnum", numbered("HS-1")).await;
    let other = books.create("invoice", numbered("HS-2")).await["Invoice"].clone();
    let update =
        |number: &str| json!({"Id": id(&other), "SyncToken": "0", "sparse": true, "DocNumber": number});
    assert_eq!(books.refused("invoice", update("HS-1")).await, "6140");
    books.create("invoice", update("HS-2")).await;
}

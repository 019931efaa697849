//! Staying below the vendors' limits: buckets in the embedded DynamoDB, and workflows that enroll many at once.

use jiff::{SignedDuration, Timestamp};
use local::stack::Vendor;
use local::world::{HANNA, HARBOR, PORTAL, REALM, THEO_FIRST};
use store::budget::{Budget, Rate, Taken};

use crate::support::{created, forget_matches, invoice, rows, stack};

const NOW: SignedDuration = SignedDuration::ZERO;

fn company() -> Budget {
    Budget::QuickBooks(REALM.to_owned().try_into().unwrap())
}

#[tokio::test]
async fn of_many_at_once_as_many_get_through_as_the_bucket_holds() {
    let stack = stack().await;
    // The table keeps milliseconds.
    let now: Timestamp = "2026-03-02T09:15:30Z".parse().unwrap();
    for budget in [company(), Budget::HubSpot(PORTAL)] {
        let takes = (0..40).map(|_| stack.store.take(&budget, 1, now, NOW));
        let taken = futures::future::join_all(takes).await;
        let through = taken.iter().filter(|taken| matches!(taken, Ok(Taken::At(_)))).count();
        let Rate { interval, burst } = budget.rate();
        assert_eq!(through, burst as usize, "{budget:?}: {taken:?}");
        // Who must wait is told how long; who can wait has a moment of its own, each another one.
        let first = now + interval;
        assert_eq!(stack.store.take(&budget, 1, now, NOW).await.unwrap(), Taken::NotBefore(first));
        let patience = SignedDuration::from_secs(8);
        let takes = (0..10).map(|_| stack.store.take(&budget, 1, now, patience));
        let mut moments: Vec<_> = futures::future::join_all(takes)
            .await
            .into_iter()
            .map(|taken| match taken.unwrap() {
                Taken::At(moment) => moment,
                Taken::NotBefore(_) => panic!("ten can wait"),
            })
            .collect();
        moments.sort();
        let expected: Vec<_> = (1..=10).map(|nth| now + interval * nth).collect();
        assert_eq!(moments, expected);
        let later = now + SignedDuration::from_hours(1);
        assert_eq!(stack.store.take(&budget, 2, later, NOW).await.unwrap(), Taken::At(later), "full again");
    }
}

/// The burst of `tests/burst` runs on [`Rate::take`] alone. Clocks differ, and one is wrong by a day.
#[tokio::test]
async fn the_table_takes_calls_as_the_rate_says() {
    let stack = stack().await;
    let mut now: Timestamp = "2026-03-02T09:15:30Z".parse().unwrap();
    let (mut full_at, mut waited) = (None, 0);
    for step in 0..150_u32 {
        // Steps that are as good as random, and the same each time.
        let mixed = step.wrapping_mul(2_654_435_761) >> 8;
        let at =
            now + SignedDuration::from_secs(if step % 50 == 49 { 86_400 } else { i64::from(mixed % 3) - 1 });
        let (calls, patience) = (1 + mixed % 5, SignedDuration::from_millis(i64::from(mixed % 7) * 300));
        let taken = stack.store.take(&company(), calls, at, patience).await.unwrap();
        let (expected, moved) = company().rate().take(full_at.unwrap_or(at), calls, at, patience);
        assert_eq!(taken, expected, "step {step}: {calls} at {at}, patience {patience}");
        if matches!(taken, Taken::At(_)) {
            full_at = Some(moved);
        }
        waited += u32::from(taken != Taken::At(at));
        now += SignedDuration::from_millis(i64::from(mixed % 11) * 60);
    }
    assert!((30..140).contains(&waited), "{waited} of 150 had to wait");
}

#[tokio::test]
async fn one_company_s_bucket_is_not_another_s() {
    let stack = stack().await;
    let now = Timestamp::now();
    let other = Budget::QuickBooks("42".to_owned().try_into().unwrap());
    assert_eq!(stack.store.take(&company(), 2, now, NOW).await.unwrap(), Taken::At(now));
    assert!(matches!(stack.store.take(&company(), 1, now, NOW).await.unwrap(), Taken::NotBefore(_)));
    assert_eq!(stack.store.take(&other, 1, now, NOW).await.unwrap(), Taken::At(now));
}

#[tokio::test]
async fn many_enrolled_at_once_for_cold_contacts_meet_no_limit_of_the_vendors() {
    let stack = stack().await;
    for _round in 0..4 {
        forget_matches(&stack).await;
        let deals = [HARBOR, THEO_FIRST, HANNA];
        futures::future::join_all(deals.map(|deal| created(&stack, invoice(deal)))).await;
    }
    let throttled: Vec<_> = [Vendor::HubSpot, Vendor::QuickBooks]
        .into_iter()
        .flat_map(|vendor| stack.calls(vendor))
        .filter(|call| call.status == Some(429))
        .collect();
    assert!(throttled.is_empty(), "{throttled:?}");
    assert_eq!(rows(&stack, "Invoice").len(), 12);
    let batches = stack.calls(Vendor::QuickBooks).iter().filter(|call| call.path.ends_with("/batch")).count();
    assert!(batches > 0, "look-ups share a batch while there are any");
}

#[tokio::test]
async fn what_a_limit_leaves_no_time_for_waits_for_its_turn() {
    let stack = stack().await;
    // Somebody else has used up the company's minute.
    let taken = stack.store.take(&company(), 500, Timestamp::now(), NOW).await.unwrap();
    assert!(matches!(taken, Taken::At(_)));
    let shown = created(&stack, invoice(HANNA)).await;
    assert_eq!(shown.states(), ["BLOCK"]);
    let calls = stack.calls(Vendor::QuickBooks);
    assert!(calls.iter().all(|call| call.status == Some(200)), "{calls:?}");
    assert_eq!(rows(&stack, "Invoice").len(), 1);
}

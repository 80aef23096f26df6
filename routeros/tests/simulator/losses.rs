//! Answers that do not arrive: what became of the write is found out by reading, and the write is never repeated.

use routeros::client::Outcome;
use routeros::menu::{Lease, Target};
use routeros_sim::Menu;

use super::front::{Front, Loss, plain};
use super::*;

const LOSSES: [Loss; 4] = [Loss::Closed, Loss::Reset, Loss::Half, Loss::Silence];

async fn bent() -> (Router, Front, Client) {
    let router = plain().await;
    let front = Front::of(&router, None).await;
    let timeouts = Timeouts {
        write: Duration::from_millis(300),
        ..timeouts()
    };
    let client = Client::new(Endpoint {
        url: front.url.clone(),
        allow_plain_http: true,
        timeouts,
        ..endpoint(&router)
    })
    .unwrap();
    (router, front, client)
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_reading() {
    for loss in LOSSES {
        let (router, front, client) = bent().await;
        client.reading().await.unwrap();
        let reads = client.read::<Pool>().await.unwrap();

        front.lose(loss);
        let shrunk = client
            .set(&Target::of(&reads.rows[0]), &taken(&reads.rows[0]))
            .await
            .unwrap();
        assert_eq!(shrunk.category(), "Applied", "{loss:?}: {shrunk}");
        front.lose(loss);
        let Outcome::Applied(lease) = client.add::<Lease>(&new_lease()).await.unwrap() else {
            panic!("{loss:?}: no lease")
        };
        front.lose(loss);
        let removed = client.remove(&Target::of(&lease)).await.unwrap();
        assert_eq!(removed, Outcome::Applied(()), "{loss:?}");

        let sent: Vec<_> = router
            .journal()
            .writes
            .iter()
            .map(|write| write.method.clone())
            .collect();
        assert_eq!(sent, ["PATCH", "PUT", "DELETE"], "{loss:?}: each once");
        assert_eq!(router.rows(Menu::Lease).len(), 0);
        assert_eq!(router.violations(), []);
    }
}

#[tokio::test]
async fn a_router_that_is_gone_after_the_write_leaves_it_unknown() {
    let (router, front, client) = bent().await;
    client.reading().await.unwrap();
    front.lose(Loss::Gone);
    let outcome = client.add::<Lease>(&new_lease()).await.unwrap();
    // It was applied, and nobody can know.
    assert_eq!(outcome.category(), "Unknown", "{outcome}");
    assert_eq!(router.rows(Menu::Lease).len(), 1);
    assert_eq!(router.journal().writes.len(), 1);
}

//! What the queues do.

use crate::broker::Misbehaviour;
use crate::fault::Fault;
use crate::plan::PlannedFault;
use crate::world::World;

pub(super) async fn bring(world: &World, planned: PlannedFault) {
    world.broker.behave(misbehaviour(planned.fault));
    tokio::time::sleep(planned.lasts).await;
    world.broker.behave(Misbehaviour::default());
}

fn misbehaviour(fault: Fault) -> Misbehaviour {
    let well = Misbehaviour::default();
    match fault {
        Fault::Duplicates => Misbehaviour {
            duplicates: 500,
            ..well
        },
        Fault::Delays => Misbehaviour {
            delays: 700,
            delay_millis: 6_000,
            ..well
        },
        Fault::Reordering => Misbehaviour {
            reorders: true,
            ..well
        },
        Fault::LateSends => Misbehaviour {
            late_answers: 600,
            late_millis: (1_000, 4_000),
            ..well
        },
        Fault::LostSends => Misbehaviour {
            lost_answers: 500,
            ..well
        },
        Fault::Throttling => Misbehaviour {
            throttled: 400,
            refused_entries: 300,
            ..well
        },
        _ => well,
    }
}

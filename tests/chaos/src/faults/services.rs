//! What happens to the admin service, the gateways and Redis.

use crate::fault::Fault;
use crate::plan::PlannedFault;
use crate::proxy::{LinkFaults, Proxy};
use crate::world::World;
use makegood_local::admin::Behaviour as Admin;
use makegood_local::gateway::Behaviour as Gateway;
use rand::Rng;
use rand::rngs::StdRng;
use std::time::{Duration, Instant};

const PACE: Duration = Duration::from_millis(200);

pub(super) async fn bring(world: &World, planned: PlannedFault, rng: &mut StdRng) {
    let slow = Duration::from_millis(rng.random_range(1_500..4_000));
    match planned.fault {
        Fault::AdminDown => down(&world.admin_proxy, planned).await,
        Fault::AdminSlow => {
            world.admin.set_latency(slow);
            tokio::time::sleep(planned.lasts).await;
            world.admin.set_latency(Duration::ZERO);
        }
        Fault::AdminGarbage => {
            let garbage = [
                Admin::Garbage,
                Admin::ServerError,
                Admin::RateLimited,
                Admin::DropConnection,
            ];
            again_and_again(planned, |turn| {
                world.admin.script([garbage[turn % garbage.len()]])
            })
            .await;
            world.admin.end_script();
        }
        Fault::AdminLost => {
            again_and_again(planned, |_| world.admin.script([Admin::AllocateAndDrop])).await;
            world.admin.end_script();
        }
        Fault::GatewaysDown => down(&world.gateways_proxy, planned).await,
        Fault::GatewaysSlow => {
            world.gateways.set_latency(slow);
            tokio::time::sleep(planned.lasts).await;
            world.gateways.set_latency(Duration::ZERO);
        }
        Fault::GatewaysGarbage => {
            let garbage = [
                Gateway::Garbage,
                Gateway::ServerError,
                Gateway::RateLimited,
                Gateway::DropConnection,
            ];
            again_and_again(planned, |turn| {
                world.gateways.script([garbage[turn % garbage.len()]])
            })
            .await;
            world.gateways.end_script();
        }
        Fault::GatewaysLost => {
            let lost = LinkFaults {
                lost_per_mille: 500,
                ..LinkFaults::default()
            };
            faulty(&world.gateways_proxy, lost, planned).await;
        }
        Fault::RedisDown if rng.random_ratio(1, 2) => down(&world.redis, planned).await,
        Fault::RedisDown => {
            world.redis.vanish();
            let silent = LinkFaults {
                silent: true,
                ..LinkFaults::default()
            };
            faulty(&world.redis, silent, planned).await;
        }
        _ => {}
    }
}

async fn down(proxy: &Proxy, planned: PlannedFault) {
    let refuses = LinkFaults {
        refuses: true,
        ..LinkFaults::default()
    };
    proxy.set(refuses.clone());
    proxy.cut();
    faulty(proxy, refuses, planned).await;
}

async fn faulty(proxy: &Proxy, faults: LinkFaults, planned: PlannedFault) {
    proxy.set(faults);
    tokio::time::sleep(planned.lasts).await;
    proxy.clear();
}

/// What is scripted is used up by requests; a little more comes as long as the fault lasts.
async fn again_and_again(planned: PlannedFault, script: impl Fn(usize)) {
    let until = Instant::now() + planned.lasts;
    for turn in 0.. {
        if Instant::now() >= until {
            return;
        }
        script(turn);
        tokio::time::sleep(PACE).await;
    }
}

//! Work that is the same for each of many items, on as many cores as there are.

use std::num::NonZeroUsize;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More threads than these wait for each other.
const MOST_CORES: usize = 4;
/// Each core comes back for more about so many times: the last one to end is not waited for long.
const TURNS: usize = 8;

/// How many threads are worth starting.
pub(crate) fn count() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_CORES)
}

/// Returns what `work` makes of each item, in the order of the items. Fewer than `enough` of them are not worth a thread.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], enough: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = count();
    if cores < 2 || items.len() < enough {
        return items.iter().map(work).collect();
    }
    let size = items.len().div_ceil(cores * TURNS).max(1);
    let parts: Vec<&[T]> = items.chunks(size).collect();
    let next = AtomicUsize::new(0);
    let share = || {
        let mut done = Vec::new();
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(nth) else { return done };
            done.push((nth, part.iter().map(&work).collect::<Vec<R>>()));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..cores).map(|_| scope.spawn(share)).collect();
        let mut done = share();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(nth, _)| *nth);
    done.into_iter().flat_map(|(_, part)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_items() {
        for count in [0, 1, 2, 31, 32, 33, 1000, 4099] {
            let items: Vec<usize> = (0..count).collect();
            for enough in [0, count, count + 1] {
                let doubled = map(&items, enough, |item| item * 2);
                assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>(), "{count}, {enough}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "the 700th")]
    fn a_panic_is_that_of_the_caller() {
        let items: Vec<usize> = (0..1000).collect();
        let _ = map(&items, 0, |item| assert!(*item != 700, "the 700th"));
    }
}

//! Threads that stand ready for many short operations after each other.
//!
//! To continue a text by one token takes some dozens of operations of a few microseconds each. Handing each of them to
//! the pool takes as long again: its threads go to sleep and are woken. A crew holds them awake for as long as one piece
//! of work lasts. Whoever leads it never waits for a thread that has not come, only for pieces that were begun; and a
//! thread that finds nothing to do for long goes back to the pool. So crews cannot block each other for good.
#![allow(unsafe_code, reason = "threads borrow the work from the stack of another")]

use std::{
    any::Any,
    cell::{RefCell, UnsafeCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering},
    },
};

/// One piece of work, by its number.
type Work<'a> = &'a (dyn Fn(usize) + Sync);

/// How often a thread looks for work in vain before it does something else: some tenths of a millisecond.
const PATIENCE: usize = 10_000;

/// The same while others are at work, which is likely to be followed by more.
const MORE_PATIENCE: usize = 100 * PATIENCE;

#[derive(Default)]
pub(super) struct Crew {
    /// Written only while `left` and `undone` are 0 and so nobody reads it.
    work: UnsafeCell<Option<Work<'static>>>,
    /// Pieces that nobody has begun; below 0 where some looked for one at the same time.
    left: AtomicIsize,
    /// Pieces that are not done.
    undone: AtomicUsize,
    /// Threads that are here or called.
    helping: AtomicUsize,
    over: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `work` is written by the leader before it raises `left`, and read by whoever then lowers it to 0 or above;
// the leader does not write it again before all these are done.
unsafe impl Sync for Crew {}

thread_local! {
    /// The crew that this thread leads, but not while it works on a piece.
    static LED: RefCell<Option<Arc<Crew>>> = const { RefCell::new(None) };
}

/// Does `work` with the threads of the pool ready for all that [`Crew::run`] is given in the meantime.
pub(super) fn together<R>(work: impl FnOnce() -> R) -> R {
    struct Led<'a>(&'a Crew);
    impl Drop for Led<'_> {
        fn drop(&mut self) {
            LED.set(None);
            self.0.over.store(true, Ordering::Release);
        }
    }
    let helpers = rayon::current_num_threads() - 1;
    if helpers == 0 || led().is_some() {
        return work();
    }
    let crew = Arc::new(Crew::default());
    crew.call(helpers);
    LED.set(Some(Arc::clone(&crew)));
    let _led = Led(&crew);
    work()
}

/// The crew that this thread leads.
pub(super) fn led() -> Option<Arc<Crew>> {
    LED.with_borrow(Clone::clone)
}

impl Crew {
    /// Asks the pool for threads, as many as are not here. Not scoped: whoever comes late, or not at all while the pool has
    /// other work, finds that all is over.
    fn call(self: &Arc<Self>, helpers: usize) {
        for _ in self.helping.load(Ordering::Relaxed)..helpers {
            self.helping.fetch_add(1, Ordering::Relaxed);
            let crew = Arc::clone(self);
            rayon::spawn(move || crew.help());
        }
    }

    /// Does the pieces `0..count` on the threads that are there, and waits for all.
    pub(super) fn run(self: Arc<Self>, count: usize, work: Work<'_>) {
        // What a piece runs in turn is its own affair.
        LED.set(None);
        // Those who went away while nothing was to be done.
        self.call(rayon::current_num_threads() - 1);
        // SAFETY: the borrow ends after this function, which does not return before every piece is done; a piece that
        // panics is caught.
        let work = unsafe { std::mem::transmute::<Work<'_>, Work<'static>>(work) };
        // SAFETY: no piece of the work before is left or undone, so nobody reads it.
        unsafe { *self.work.get() = Some(work) };
        self.undone.store(count, Ordering::Relaxed);
        self.left.store(count as isize, Ordering::Release);
        while self.do_one() {}
        let mut looked = 0;
        while self.undone.load(Ordering::Acquire) > 0 {
            looked += 1;
            if looked < PATIENCE { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        if let Some(panic) = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take() {
            LED.set(Some(Arc::clone(&self)));
            resume_unwind(panic);
        }
        LED.set(Some(self));
    }

    /// Whether there was a piece left to do.
    fn do_one(&self) -> bool {
        let piece = self.left.fetch_sub(1, Ordering::Acquire) - 1;
        let Ok(piece) = usize::try_from(piece) else { return false };
        // SAFETY: this piece was left, so the work was written, and is not written again before it is done.
        let work = unsafe { *self.work.get() };
        let work = work.expect("work is given before pieces of it");
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(piece))) {
            *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
        }
        self.undone.fetch_sub(1, Ordering::Release);
        true
    }

    fn help(&self) {
        // How often there was nothing to do, and how often others did the last of it.
        let (mut idle, mut waited) = (0, 0);
        while idle < PATIENCE && waited < MORE_PATIENCE && !self.over.load(Ordering::Relaxed) {
            if self.left.load(Ordering::Relaxed) > 0 && self.do_one() {
                (idle, waited) = (0, 0);
                continue;
            }
            if self.undone.load(Ordering::Relaxed) > 0 {
                (idle, waited) = (0, waited + 1);
            } else {
                idle += 1;
            }
            std::hint::spin_loop();
        }
        self.helping.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use rayon::prelude::*;

    use super::*;

    fn run(count: usize, work: impl Fn(usize) + Sync) {
        led().expect("there is a crew where there are threads").run(count, &work);
    }

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn every_piece_is_done_once() {
        for threads in [2, 5] {
            pool(threads).install(|| {
                together(|| {
                    for count in (0..200).chain([10_000]) {
                        let done: Vec<_> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                        run(count, |piece| {
                            done[piece].fetch_add(1, Ordering::Relaxed);
                        });
                        assert!(done.iter().all(|times| times.load(Ordering::Relaxed) == 1));
                    }
                });
            });
        }
        assert!(led().is_none());
    }

    #[test]
    fn many_crews_on_one_pool_end() {
        let sum = AtomicU64::new(0);
        pool(3).install(|| {
            (0..40_usize).into_par_iter().for_each(|_| {
                together(|| {
                    for _ in 0..50 {
                        let inner = |piece: usize| {
                            // The pool is there for what a piece runs in turn.
                            let add = (0..4_u64).into_par_iter().map(|value| value + piece as u64).sum();
                            sum.fetch_add(add, Ordering::Relaxed);
                        };
                        match led() {
                            Some(crew) => crew.run(7, &inner),
                            None => (0..7).for_each(inner),
                        }
                    }
                });
            });
        });
        assert_eq!(sum.into_inner(), 40 * 50 * (7 * 6 + 4 * 21));
    }

    #[test]
    fn a_leader_does_not_wait_for_a_pool_that_is_busy() {
        let pool = pool(2);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Mutex::new(held);
        pool.install(|| {
            let done = AtomicUsize::new(0);
            rayon::join(
                || {
                    // The other thread of the pool waits for this one to be through.
                    together(|| {
                        run(20, |_| {
                            done.fetch_add(1, Ordering::Relaxed);
                        });
                    });
                    release.send(()).unwrap();
                },
                || held.lock().unwrap().recv().unwrap(),
            );
            assert_eq!(done.into_inner(), 20);
        });
    }

    #[test]
    fn a_panic_reaches_the_leader_when_all_is_done() {
        let done = AtomicUsize::new(0);
        let caught = pool(2).install(|| {
            catch_unwind(AssertUnwindSafe(|| {
                together(|| {
                    run(10, |piece| {
                        assert!(piece != 5, "piece five");
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                });
            }))
        });
        assert!(caught.is_err());
        assert_eq!(done.into_inner(), 9);
        assert!(led().is_none());
        pool(2).install(|| together(|| run(3, |_| {})));
    }
}

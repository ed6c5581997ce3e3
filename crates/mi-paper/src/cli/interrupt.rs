use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether a person or the system asked the program to stop.
///
/// The first signal asks: running trials finish their step and save. The second ends the process
/// at once.
pub(super) struct Interrupt {
    asked: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Starts to listen for Ctrl-C and SIGTERM.
    pub(super) fn listen() -> Result<Self> {
        let interrupt = Self { asked: Arc::default(), signal: Arc::new(AtomicUsize::new(0)) };
        for signal in [SIGINT, SIGTERM] {
            // Order matters: on the first signal the condition is still false.
            flag::register_conditional_shutdown(signal, 128 + signal, interrupt.asked.clone())
                .and_then(|_| flag::register(signal, interrupt.asked.clone()))
                .and_then(|_| {
                    flag::register_usize(signal, interrupt.signal.clone(), signal as usize)
                })
                .context("cannot listen for signals")?;
        }
        Ok(interrupt)
    }

    /// Whether a stop was asked for.
    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// 130 after Ctrl-C, 143 after SIGTERM.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(128 + self.signal.load(Ordering::Relaxed) as u8)
    }
}

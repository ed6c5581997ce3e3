//! Runs a kernel with the processor's vector instructions, if it has them.
//!
//! Distances here are differences, absolute values and maxima, which round the same way in
//! scalar and vector form: the choice changes the speed, never a bit of the result.
#![allow(unsafe_code)]

/// Work compiled once for every instruction set; `run` and everything it calls must be
/// `#[inline(always)]`, or they use only the baseline instructions.
pub(super) trait Kernel {
    fn run(self);
}

#[inline]
pub(super) fn run(kernel: impl Kernel) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the features that `run_avx2` needs were detected just above.
        unsafe { run_avx2(kernel) };
        return;
    }
    kernel.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2(kernel: impl Kernel) {
    kernel.run();
}

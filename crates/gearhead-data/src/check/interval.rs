//! How sure a share is.

/// The 99 % quantile of the standard normal distribution, one-sided.
const Z: f64 = 2.326;

/// The lower end of the one-sided 99 % interval of a share, so that a handful of rows proves nothing.
///
/// **Source**: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
pub(super) fn lower_bound(share: f64, n: u64) -> f64 {
    if n == 0 {
        return 0.0;
    }
    let n = n as f64;
    let square = Z * Z;
    let spread = Z * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    ((share + square / (2.0 * n) - spread) / (1.0 + square / n)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_prove_little() {
        assert!((lower_bound(0.0, 10)).abs() < 1e-12);
        assert!((lower_bound(1.0, 5) - 0.480_3).abs() < 1e-3, "{}", lower_bound(1.0, 5));
        assert!((lower_bound(0.5, 1_000) - 0.463_4).abs() < 1e-3, "{}", lower_bound(0.5, 1_000));
        assert!(lower_bound(1.0, 1_000) > 0.99);
        assert!(lower_bound(1.0, 0).abs() < 1e-12);
    }
}

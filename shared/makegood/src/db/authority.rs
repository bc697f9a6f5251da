//! Whose certificates are believed when the database's login comes from a secret: those of RDS in this region, the public ones, of
//! which one has signed RDS Proxy's, and one that the secret names.

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// The root certificates of RDS, each under a line with its region; written by `authorities.sh`.
const OF_RDS: &str = include_str!("authorities.pem");

/// Encrypted, and refused unless the certificate is one of these authorities' and names the host.
pub(super) fn verified(
    options: PgConnectOptions,
    region: Option<&str>,
    own: Option<&str>,
) -> PgConnectOptions {
    let mut trusted = region.map(of_region).unwrap_or_default();
    trusted.push_str(own.unwrap_or_default());
    let options = options.ssl_mode(PgSslMode::VerifyFull);
    // Without one, the public authorities are left, which an empty text would be an error beside.
    if trusted.is_empty() {
        options
    } else {
        options.ssl_root_cert_from_pem(trusted.into_bytes())
    }
}

/// The roots of RDS in a region, in PEM; empty for a region that the file does not have. All of them would be parsed at each
/// connection.
#[must_use]
pub fn of_region(region: &str) -> String {
    let heading = format!("# {region}\n");
    let parts = OF_RDS.split_inclusive("-----END CERTIFICATE-----\n");
    parts
        .filter_map(|part| part.strip_prefix(heading.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_of_the_file_has_its_three_roots() {
        let regions: std::collections::BTreeSet<&str> = OF_RDS
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .collect();
        assert!(regions.len() >= 27, "{regions:?}");
        for region in regions {
            let roots = of_region(region);
            assert_eq!(
                roots.matches("-----BEGIN CERTIFICATE-----").count(),
                3,
                "{region}"
            );
            assert!(!roots.contains('#'), "{region}");
        }
        assert_eq!(of_region("eu-west"), "", "a part of a name is none");
        assert_eq!(of_region("moon-north-1"), "");
    }
}

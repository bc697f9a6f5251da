//! Who asks, as far as an address says: the client's address, cut to the part that one household or one server has to itself.

use std::net::{IpAddr, Ipv6Addr};

/// Bits of an IPv6 address that belong to one client; whoever has them can use any of the others.
const CLIENT_BITS: u32 = 64;

/// The prefix of this address: all of an IPv4 address (`/32`), the first half of an IPv6 one (`/64`). None when it is no address.
#[must_use]
pub(super) fn prefix(address: &str) -> Option<String> {
    match address.trim().parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => Some(format!("{address}/32")),
        IpAddr::V6(address) => {
            let mask = u128::MAX << (128 - CLIENT_BITS);
            let network = Ipv6Addr::from_bits(address.to_bits() & mask);
            Some(format!("{network}/{CLIENT_BITS}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_is_a_client_and_so_is_the_first_half_of_an_ipv6_one() {
        for (address, expected) in [
            ("192.0.2.20", Some("192.0.2.20/32")),
            ("::ffff:192.0.2.20", Some("192.0.2.20/32")),
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:2::1", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:3::1", Some("2001:db8:1:3::/64")),
            ("", None),
            ("unknown", None),
        ] {
            assert_eq!(prefix(address).as_deref(), expected, "{address}");
        }
    }
}

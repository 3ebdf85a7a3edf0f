//! Which addresses are public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges that are not public, from the IANA IPv4 Special-Purpose Address Registry
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>, rows that are not globally
/// reachable), multicast (RFC 5771) and one more.
const NOT_PUBLIC_V4: &[(Ipv4Addr, u8)] = &[
    // RFC 791: "this network". Linux connects 0.0.0.0 to the machine itself.
    (Ipv4Addr::UNSPECIFIED, 8),
    // RFC 1918: private use.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // RFC 6598: shared address space of carriers; Alibaba Cloud's metadata is in it.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // RFC 1122: loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Azure's platform endpoint: special in Azure networks though IANA does not list it
    // (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // RFC 3927: link-local; the metadata service of most clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // RFC 1918: private use.
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // RFC 6890: IETF protocol assignments; Oracle Cloud's metadata is in it.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // RFC 5737: documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // RFC 7526: the deprecated anycast address of 6to4 relays.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // RFC 1918: private use.
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // RFC 2544: benchmarking.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // RFC 5737: documentation.
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // RFC 5771: multicast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // RFC 1112: reserved; RFC 919: the broadcast address.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Ranges of `2000::/3` that are not public, from the IANA IPv6 Special-Purpose Address Registry
/// (<https://www.iana.org/assignments/iana-ipv6-special-registry>).
const NOT_PUBLIC_V6: &[(Ipv6Addr, u8)] = &[
    // RFC 2928: IETF protocol assignments, Teredo (RFC 4380) among them, which embeds two IPv4
    // addresses and serves clients, not hosts of assets.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // RFC 3849 and RFC 9637: documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// The only range that IANA has allocated for global unicast
/// (<https://www.iana.org/assignments/ipv6-address-space>). Everything outside is refused: loopback,
/// unspecified, unique local, link-local, site-local, multicast, IPv4-compatible, and what is yet
/// to be given a meaning.
const GLOBAL_UNICAST: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// RFC 6052: the well-known prefix of NAT64. (`64:ff9b:1::/48`, RFC 8215, is for local use.)
const NAT64: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
/// RFC 3056: 6to4.
const SIX_TO_FOUR: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16);

/// Whether an address is one of the public internet's. An IPv6 address that stands for an IPv4
/// address (IPv4-mapped, NAT64, 6to4) is as public as that address.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !NOT_PUBLIC_V4
        .iter()
        .any(|&(network, length)| same_prefix(address.to_bits(), network.to_bits(), length))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let within = |&(network, length): &(Ipv6Addr, u8)| {
        same_prefix_v6(address.to_bits(), network.to_bits(), length)
    };
    let [_, first, second, .., last_but_one, last] = address.segments();
    if let Some(mapped) = address.to_ipv4_mapped() {
        is_public_v4(mapped)
    } else if within(&NAT64) {
        is_public_v4(from_halves(last_but_one, last))
    } else if within(&SIX_TO_FOUR) {
        is_public_v4(from_halves(first, second))
    } else {
        within(&GLOBAL_UNICAST) && !NOT_PUBLIC_V6.iter().any(within)
    }
}

fn from_halves(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

fn same_prefix(one: u32, other: u32, length: u8) -> bool {
    (one ^ other).leading_zeros() >= u32::from(length)
}

fn same_prefix_v6(one: u128, other: u128, length: u8) -> bool {
    (one ^ other).leading_zeros() >= u32::from(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001:80b::200e",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(public(address), "{address}");
        }
    }

    /// The first and the last address of every row of both IANA registries that is not globally
    /// reachable, of multicast, and of what the clouds use for their metadata.
    #[test]
    fn special_purpose_addresses_are_not_public() {
        for address in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "100.100.100.200",
            "127.0.0.0",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.170.2",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.8",
            "192.0.0.170",
            "192.0.0.192",
            "192.0.0.255",
            "192.0.2.0",
            "192.0.2.255",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.0",
            "198.51.100.255",
            "203.0.113.0",
            "203.0.113.255",
            "224.0.0.0",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.254",
            "255.255.255.255",
            "::",
            "::1",
            "100::1",
            "100:0:0:1::1",
            "5f00::1",
            "2001::1",
            "2001:1::1",
            "2001:2::1",
            "2001:10::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "3fff::1",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fc00::1",
            "fd00:ec2::254",
            "fdff:ffff::1",
            "fe80::1",
            "febf:ffff::1",
            "fec0::1",
            "feff::1",
            "ff02::1",
            "ffff::1",
            "64:ff9b:1::8.8.8.8",
            "4000::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn an_embedded_address_is_as_private_as_itself() {
        for inner in ["127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.0"] {
            let octets: Ipv4Addr = inner.parse().unwrap();
            let [a, b, c, d] = octets.octets();
            let high = u16::from_be_bytes([a, b]);
            let low = u16::from_be_bytes([c, d]);
            for address in [
                format!("::ffff:{inner}"),
                format!("::{inner}"),
                format!("::ffff:0:{inner}"),
                format!("64:ff9b::{inner}"),
                format!("64:ff9b:1::{inner}"),
                format!("2002:{high:x}:{low:x}::1"),
                // RFC 4380, section 4: the server's address, then the client's with its bits flipped.
                format!("2001:0:{high:x}:{low:x}:0:0:f7f7:f7f7"),
                format!("2001:0:808:808:0:0:{:x}:{:x}", !high, !low),
            ] {
                assert!(!public(&address), "{address}");
            }
        }
    }
}

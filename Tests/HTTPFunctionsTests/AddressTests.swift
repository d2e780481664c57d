import Primitives
import Testing

@testable import HTTPFunctions

@Suite("Addresses that functions may not lead to")
struct AddressTests {
    @Test(
        "are all that are not public",
        arguments: [
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1",
            "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1",
            "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
            "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1",
            "255.255.255.255",
            "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
            "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1",
            "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "5f00::1", "fc00::1",
            "fd00:ec2::254", "fe80::1", "febf::1", "fec0::1", "ff02::1",
        ]
    )
    func special(_ text: String) throws {
        #expect(try #require(IPAddress(text)).isSpecial)
    }

    @Test(
        "are none of those that are",
        arguments: [
            "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
            "126.255.255.255", "128.0.0.1", "169.253.255.255", "172.15.255.255", "172.32.0.0",
            "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
            "223.255.255.255", "::ffff:8.8.8.8", "2001:200::1", "2606:4700:4700::1111",
            "2a00:1450::1",
        ]
    )
    func plain(_ text: String) throws {
        #expect(try !#require(IPAddress(text)).isSpecial)
    }

    @Test("have one spelling")
    func spelling() {
        for text in ["127.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "[::1]", "::1%lo", "", "a"]
        {
            #expect(IPAddress(text) == nil, "\(text)")
        }
        #expect(IPAddress("2001:db8::1")?.description == "2001:db8:0:0:0:0:0:1")
    }

    @Test("are in a range by their first bits")
    func ranges() throws {
        let range = try #require(AddressRange("172.16.0.0/12"))
        #expect(range.contains(try #require(IPAddress("172.31.0.1"))))
        #expect(!range.contains(try #require(IPAddress("172.32.0.1"))))
        #expect(!range.contains(try #require(IPAddress("::1"))))
        #expect(AddressRange("::1")?.prefix == 128)
        let all = try #require(AddressRange("0.0.0.0/0"))
        #expect(all.contains(try #require(IPAddress("8.8.8.8"))))
        for text in ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10/8", "::/129", "x/8"] {
            #expect(AddressRange(text) == nil, "\(text)")
        }
    }
}

@Suite("Globs")
struct GlobTests {
    @Test(
        "match the whole text",
        arguments: [
            ("*", "", true), ("*", "a.b", true), ("", "", true), ("", "a", false),
            ("a", "a", true), ("a", "ab", false), ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "x.example.com.evil", false),
            ("a?c", "abc", true), ("a?c", "ac", false), ("*ab*ab", "ababxab", true),
            ("*ab", "aabab", true), ("[a-c]1", "b1", true), ("[!a-c]1", "b1", false),
            ("[!a-c]1", "d1", true), ("[a-]", "-", true), ("[]x]", "]", true),
            ("**a**", "bab", true), ("*a*b*c*", "xxaxxbxxc", true), ("*a*b*c*", "xxaxxcxxb", false),
        ]
    )
    func matches(_ pattern: String, _ text: String, _ expected: Bool) throws {
        #expect(try #require(Glob(pattern)).matches(text) == expected)
    }

    @Test("are refused where a set is none")
    func refused() {
        for text in ["[", "[a", "a[z-a]"] { #expect(Glob(text) == nil, "\(text)") }
    }

    @Test("do not take for ever")
    func time() throws {
        let pattern = try #require(Glob(String(repeating: "*a", count: 60) + "b"))
        #expect(!pattern.matches(String(repeating: "a", count: 4000)))
    }
}

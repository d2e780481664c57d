import Primitives
import Testing

@Suite("Identifiers as text")
struct IdentifierTests {
    @Test("a UUID reads what it writes, and only the canonical form")
    func uuid() {
        let uuid = UUID128(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)
        #expect(uuid.description == "01234567-89ab-cdef-fedc-ba9876543210")
        #expect(UUID128(uuid.description) == uuid)
        var entropy = SeededEntropy(seed: 7)
        for _ in 0..<200 {
            let random = UUID128(from: &entropy)
            #expect(UUID128(random.description) == random)
            #expect(random.high >> 12 & 0xF == 4, "version 4")
            #expect(random.low >> 62 == 0b10, "the variant of RFC 9562")
        }
    }

    @Test(
        "any other spelling of a UUID is refused",
        arguments: [
            "", "01234567-89ab-cdef-fedc-ba987654321", "01234567-89ab-cdef-fedc-ba98765432100",
            "01234567-89AB-cdef-fedc-ba9876543210", "01234567089ab-cdef-fedc-ba9876543210",
            "0123456789abcdeffedcba9876543210----", "+1234567-89ab-cdef-fedc-ba9876543210",
            "{1234567-89ab-cdef-fedc-ba987654321}", "g1234567-89ab-cdef-fedc-ba9876543210",
        ]
    )
    func notUUID(text: String) {
        #expect(UUID128(text) == nil)
    }

    @Test("a trace id has 32 hexadecimal digits and is not zero")
    func trace() {
        let text = "4bf92f3577b34da6a3ce929d0e0e4736"
        #expect(TraceID(text)?.description == text)
        #expect(TraceID(text.uppercased())?.description == text)
        for wrong in [
            "", String(repeating: "0", count: 32), "+" + text.dropFirst(), text + "0",
            String(text.prefix(16)) + "-" + text.suffix(15), "zz" + text.dropFirst(2),
        ] {
            #expect(TraceID(wrong) == nil, "\(wrong)")
        }
        #expect(TraceID(high: 0, low: 0) == nil)
    }

    @Test("a traceparent reads what it writes")
    func traceParent() throws {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let parent = try #require(TraceParent(text))
        #expect(parent.span == 0x00f0_67aa_0ba9_02b7)
        #expect(parent.flags == 1)
        #expect(parent.description == text)
        var entropy = SeededEntropy(seed: 8)
        for _ in 0..<200 {
            let parent = TraceParent(
                trace: TraceID(from: &entropy),
                span: entropy.next() | 1,
                flags: UInt8(truncatingIfNeeded: entropy.next())
            )
            #expect(TraceParent(parent.description) == parent)
        }
    }

    @Test("a later version of traceparent may say more")
    func laterVersion() {
        let rest = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"
        #expect(TraceParent("cc-\(rest)-what-the-future-brings")?.flags == 3)
        #expect(TraceParent("cc-\(rest)")?.flags == 3)
    }

    @Test(
        "what is no traceparent is refused",
        arguments: [
            "", "-", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "zz-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-+0f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        ]
    )
    func notTraceParent(text: String) {
        #expect(TraceParent(text) == nil)
    }

    @Test("offsets count on and measure")
    func offsets() {
        #expect(Offset(3).advanced(by: 4) == Offset(7))
        #expect(Offset(3).distance(to: Offset(7)) == 4)
        #expect(Offset.zero < Offset(1))
    }

    @Test("a function's name shows its namespace where it matters")
    func functionNames() {
        #expect(FunctionName(id: "a::b").description == "a::b")
        #expect(FunctionName(namespace: "shop", id: "a::b").description == "a::b (shop)")
    }
}

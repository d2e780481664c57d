import JSON

/// What a collector says that takes only a part of a request (OTLP 1.x, "Partial Success"): how
/// much it does not want, and why.
package struct PartialSuccess: Equatable, Sendable {
    /// Spans, log records, or points of metrics.
    package let rejected: Int
    package let reason: String

    /// Nil: all was taken, or the `answer` is none that can be read.
    package init?(_ answer: [UInt8], isJSON: Bool) {
        let told = isJSON ? Self.json(answer) : Self.protobuf(answer)
        guard let told, told.rejected > 0 else { return nil }
        rejected = Int(clamping: told.rejected)
        reason = told.reason
    }

    private typealias Told = (rejected: UInt64, reason: String)

    /// `{"partialSuccess":{"rejectedSpans":"3","errorMessage":"…"}}`
    private static func json(_ answer: [UInt8]) -> Told? {
        guard let text = try? JSONText(validating: answer) else { return nil }
        let told = text.value()["partialSuccess"]
        let counts = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"].compactMap {
            told[$0].unsigned
        }
        return (counts.max() ?? 0, told["errorMessage"].content ?? "")
    }

    /// Field 1 of the answer, whose fields 1 and 2 are the number and the message.
    private static func protobuf(_ answer: [UInt8]) -> Told? {
        var told: Told = (0, "")
        var outer = ProtobufFields(answer[...])
        while let field = outer.next() {
            guard field.number == 1, case .bytes(let content) = field.value else { continue }
            var inner = ProtobufFields(content)
            while let field = inner.next() {
                switch (field.number, field.value) {
                case (1, .integer(let count)): told.rejected = count
                case (2, .bytes(let text)): told.reason = String(decoding: text, as: UTF8.self)
                default: break
                }
            }
        }
        return told
    }
}

/// The fields of a message in protobuf, one after the other, up to the first that cannot be read.
private struct ProtobufFields {
    enum Value {
        case integer(UInt64)
        case bytes(ArraySlice<UInt8>)
        /// Four or eight bytes, which nobody asks for.
        case fixed
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func next() -> (number: UInt64, value: Value)? {
        guard let tag = varint() else { return nil }
        let value: Value?
        switch tag & 7 {
        case 0: value = varint().map { .integer($0) }
        case 1: value = take(8).map { _ in .fixed }
        case 2: value = varint().flatMap { take($0) }.map { .bytes($0) }
        case 5: value = take(4).map { _ in .fixed }
        default: value = nil
        }
        return value.map { (tag >> 3, $0) }
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    private mutating func take(_ count: UInt64) -> ArraySlice<UInt8>? {
        guard count <= UInt64(rest.count) else { return nil }
        defer { rest = rest.dropFirst(Int(count)) }
        return rest.prefix(Int(count))
    }
}

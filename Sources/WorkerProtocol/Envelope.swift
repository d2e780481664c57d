import Glibc
import JSON
import Primitives

/// The members of one message, found in a single pass and left where they stand.
///
/// `null` means absent for every one of them: for the optional ones because the protocol says so
/// (1.2), for payloads because an absent payload is null. Of members with the same name the last
/// counts. Unknown members are validated and skipped.
///
/// Used only within ``read(_:_:)``: the bytes and the places are not its own. So it is small,
/// whatever it has found.
struct Envelope {
    private let bytes: UnsafeBufferPointer<UInt8>
    /// By field; only those in `present` have been set.
    private let slots: UnsafeMutableBufferPointer<Slot>
    /// A bit for each field.
    private let present: UInt32

    /// Where a member's value stands.
    private struct Slot {
        private let start: UInt32
        private let endAndRepair: UInt32

        init(_ slice: JSONSlice) {
            start = UInt32(slice.range.lowerBound)
            endAndRepair = UInt32(slice.range.upperBound) << 1 | (slice.needsRepair ? 1 : 0)
        }

        var range: Range<Int> { Int(start)..<Int(endAndRepair >> 1) }
        var needsRepair: Bool { endAndRepair & 1 != 0 }
    }

    /// Finds the members of the object that is all of `bytes`, and has `body` make a message of
    /// them. Bounded, what is too deep or holds a number out of range is refused.
    static func read<Message>(
        _ bytes: UnsafeBufferPointer<UInt8>,
        isBounded: Bool = true,
        _ body: (Envelope) throws(FrameError) -> Message
    ) throws(FrameError) -> Message {
        try withUnsafeTemporaryAllocation(of: Slot.self, capacity: Field.count) {
            slots throws(FrameError) in
            try body(try Envelope(bytes, slots, isBounded))
        }
    }

    private init(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ slots: UnsafeMutableBufferPointer<Slot>,
        _ isBounded: Bool
    ) throws(FrameError) {
        precondition(bytes.count < 1 << 31)
        self.bytes = bytes
        self.slots = slots
        var present: UInt32 = 0
        var scanner = isBounded ? JSONScanner(bytes) : JSONScanner(unbounded: bytes)
        let kind = scanner.peek()
        guard scanner.position < bytes.count else { throw .blank }
        guard kind == nil || kind == .object else {
            throw .notAnObject(position: scanner.position)
        }
        do throws(JSONError) {
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                let field =
                    key.escaped
                    ? Field(scanner.name(key))
                    : Field(UnsafeBufferPointer(rebasing: bytes[key.range]))
                let value = try scanner.skipValue()
                guard let field else { continue }
                present &= ~field.bit
                if Self.isNull(value, in: bytes) { continue }
                slots.initializeElement(at: field.rawValue, to: Slot(value))
                present |= field.bit
            }
            try scanner.end()
        } catch {
            throw .notJSON(error)
        }
        self.present = present
    }

    private func slot(_ field: Field) -> Slot? {
        has(field) ? slots[field.rawValue] : nil
    }

    /// Python's tokens for numbers that are not finite count as null.
    private static func isNull(
        _ value: JSONSlice,
        in bytes: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        let first = bytes[value.range.lowerBound]
        if first == UInt8(ascii: "n") { return true }
        guard value.needsRepair else { return false }
        return first == UInt8(ascii: "N") || first == UInt8(ascii: "I")
            || first == UInt8(ascii: "-")
    }

    // MARK: Values

    /// The message's type.
    func messageType() throws(FrameError) -> MessageType {
        guard let content = slot(.type).flatMap(plainContent) else {
            return MessageType(try requiredString(.type, in: ""))
        }
        return MessageType(content)
    }

    func has(_ field: Field) -> Bool { present & field.bit != 0 }

    /// The string at `field`; nil when the member is absent.
    func string(_ field: Field, in message: StaticString) throws(FrameError) -> String? {
        guard let slot = slot(field) else { return nil }
        if let content = plainContent(slot) { return String(decoding: content, as: UTF8.self) }
        var scanner = JSONScanner(unbounded: UnsafeBufferPointer(rebasing: bytes[slot.range]))
        do throws(JSONError) { return try scanner.string() } catch {
            throw wrongType(field, in: message)
        }
    }

    /// The string at `field`, of which nothing but more knowledge depends: nil also where it holds
    /// another kind of value.
    func hint(_ field: Field) -> String? {
        // Its message is not told of: nobody hears of the error.
        try? string(field, in: "")
    }

    func requiredString(_ field: Field, in message: StaticString) throws(FrameError) -> String {
        guard let text = try string(field, in: message) else {
            throw .missing(field: field.name.description, message: message.description)
        }
        return text
    }

    /// The invocation id; nil when the member is absent.
    func invocationID(in message: StaticString) throws(FrameError) -> InvocationID? {
        guard let slot = slot(.invocationID) else { return nil }
        if let content = plainContent(slot), let id = UUID128(content) { return .uuid(id) }
        return try string(.invocationID, in: message).map(InvocationID.text)
    }

    /// The value at `field` where it stands, for a look inside; nil when the member is absent.
    func scanner(_ field: Field) -> JSONScanner? {
        slot(field).map { JSONScanner(unbounded: UnsafeBufferPointer(rebasing: bytes[$0.range])) }
    }

    /// The value at `field`, copied out and repaired; nil when the member is absent.
    func text(_ field: Field) -> JSONText? {
        guard let slot = slot(field) else { return nil }
        let value = UnsafeBufferPointer(rebasing: bytes[slot.range])
        guard slot.needsRepair else { return JSONText(trusted: [UInt8](value)) }
        var scanner = JSONScanner(unbounded: value)
        do throws(JSONError) { return scanner.text(try scanner.skipValue()) } catch {
            preconditionFailure("a validated value became invalid: \(error)")
        }
    }

    /// A whole number above zero at `field`; 0 when the member is absent or anything else.
    func count(_ field: Field) -> Int {
        guard let number = text(field)?.numberValue?.int64Value, number > 0 else { return 0 }
        return Int(number)
    }

    /// The members of the message by name, each copied out when it is asked for: for messages that
    /// are rare and rich.
    func fields(in message: StaticString) throws(FrameError) -> MessageFields {
        var scanner = JSONScanner(unbounded: bytes)
        let whole: JSONText
        do throws(JSONError) {
            whole = scanner.text(try scanner.skipValue())
        } catch {
            throw .notJSON(error)
        }
        return try MessageFields(whole, of: message)
    }

    /// Whether what stands at a path of members was no standard JSON (see ``JSONScanner``).
    func needsRepair(at path: [String]) -> Bool {
        var place = bytes
        for name in path {
            var scanner = JSONScanner(unbounded: place)
            guard scanner.peek() == .object, let slice = try? Self.member(name, &scanner) else {
                return false
            }
            if !slice.needsRepair { return false }
            place = UnsafeBufferPointer(rebasing: place[slice.range])
        }
        return true
    }

    private static func member(
        _ name: String,
        _ scanner: inout JSONScanner
    ) throws(JSONError) -> JSONSlice? {
        var found: JSONSlice?
        try scanner.beginObject()
        while let key = try scanner.nextMember() {
            let isIt = scanner.matches(key, dynamic: name)
            let slice = try scanner.skipValue()
            if isIt { found = slice }
        }
        return found
    }

    func wrongType(_ field: Field, in message: StaticString) -> FrameError {
        .wrongType(
            field: field.name.description,
            message: message.description,
            position: slot(field)?.range.lowerBound ?? 0
        )
    }

    /// The content of a string that spells itself, without escapes; nil for anything else.
    private func plainContent(_ slot: Slot) -> UnsafeBufferPointer<UInt8>? {
        let range = slot.range
        guard range.count >= 2, bytes[range.lowerBound] == UInt8(ascii: "\"") else { return nil }
        let content = UnsafeBufferPointer(
            rebasing: bytes[range.lowerBound + 1..<range.upperBound - 1]
        )
        guard let start = content.baseAddress else { return content }
        return memchr(start, 0x5C, content.count) == nil ? content : nil
    }
}

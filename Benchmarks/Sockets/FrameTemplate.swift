/// A masked WebSocket frame, made once; sending it copies it and fills in one field, which the
/// text has as a run of `#`, perhaps at several places.
struct FrameTemplate {
    private let frame: [UInt8]
    private let field: Sites

    private static let mask: [UInt8] = [0x9b, 0x27, 0xe4, 0x5d]

    /// Where a field is: runs of one character, all of the same length.
    struct Sites {
        /// In bytes of the text.
        fileprivate var places: [Int] = []
        private(set) var width = 0

        /// The runs of `character` in `text`.
        init(_ character: Character, in text: String) {
            let blank = character.asciiValue
            var isRun = false
            for (index, byte) in text.utf8.enumerated() {
                if byte == blank, !isRun {
                    places.append(index)
                    width = 0
                }
                isRun = byte == blank
                if isRun { width += 1 }
            }
        }

        fileprivate func fill(
            _ room: UnsafeMutableRawBufferPointer,
            behind header: Int,
            with field: UnsafeRawBufferPointer
        ) {
            precondition(field.count == width)
            for place in places {
                for index in 0..<width {
                    room[header + place + index] =
                        field[index] ^ FrameTemplate.mask[(place + index) % 4]
                }
            }
        }
    }

    /// A frame of text, or of other bytes.
    init(_ text: String, isText: Bool = true) {
        let payload = Array(text.utf8)
        let opcode: UInt8 = isText ? 1 : 2
        frame =
            Self.header(opcode, payload.count) + payload.enumerated().map { $1 ^ Self.mask[$0 % 4] }
        field = Sites("#", in: text)
    }

    private static func header(_ opcode: UInt8, _ count: Int) -> [UInt8] {
        let first = 0x80 | opcode
        if count < 126 { return [first, 0x80 | UInt8(count)] + mask }
        precondition(count <= Int(UInt16.max), "a frame of a benchmark is small")
        return [first, 0x80 | 126, UInt8(count >> 8), UInt8(count & 0xff)] + mask
    }

    private var header: Int { frame[1] & 0x7f < 126 ? 6 : 8 }

    /// Puts the frame behind what is to be sent.
    func send(_ bytes: UnsafeRawBufferPointer, on link: Link) {
        link.output.append(atMost: frame.count) { room in
            room.copyBytes(from: frame)
            field.fill(room, behind: header, with: bytes)
            return frame.count
        }
    }

    /// Puts the frame behind what is to be sent, with `number` as 12 hexadecimal digits.
    func send(number: UInt64, on link: Link) {
        withUnsafeTemporaryAllocation(byteCount: Number.digits, alignment: 1) { field in
            Number.write(number, to: field)
            send(UnsafeRawBufferPointer(field), on: link)
        }
    }

    /// As ``send(number:on:)``, with another field of the text filled in as well.
    func send(
        number: UInt64,
        filling other: Sites,
        with bytes: UnsafeMutableRawBufferPointer,
        on link: Link
    ) {
        withUnsafeTemporaryAllocation(byteCount: Number.digits, alignment: 1) { digits in
            Number.write(number, to: digits)
            link.output.append(atMost: frame.count) { room in
                room.copyBytes(from: frame)
                field.fill(room, behind: header, with: UnsafeRawBufferPointer(digits))
                other.fill(room, behind: header, with: UnsafeRawBufferPointer(bytes))
                return frame.count
            }
        }
    }

    /// A frame without a field.
    static func frame(_ text: String) -> [UInt8] { FrameTemplate(text).frame }

    /// Puts a frame without a field behind what is to be sent.
    static func send(_ text: String, on link: Link) {
        let template = FrameTemplate(text)
        precondition(template.field.places.isEmpty)
        template.send(UnsafeRawBufferPointer(start: nil, count: 0), on: link)
    }
}

/// What tells requests apart: the last 12 hexadecimal digits of an invocation id.
enum Number {
    static let digits = 12

    static func write(_ value: UInt64, to room: UnsafeMutableRawBufferPointer) {
        var rest = value
        for index in (0..<digits).reversed() {
            let digit = UInt8(rest & 15)
            room[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            rest >>= 4
        }
    }

    /// Decimal digits at the end of `room`, spaces before them: JSON does not mind.
    static func writeDecimal(_ value: UInt64, to room: UnsafeMutableRawBufferPointer) {
        var rest = value
        for index in room.indices.reversed() {
            let isFirst = index == room.count - 1
            room[index] = rest > 0 || isFirst ? UInt8(ascii: "0") + UInt8(rest % 10) : 0x20
            rest /= 10
        }
    }

    /// Nil when these are no digits.
    static func read(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        var value: UInt64 = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default:
                return nil
            }
        }
        return value
    }
}

/// A masked WebSocket text frame, made once; sending it copies it and fills in one field, which the
/// text has as a run of `#`, perhaps at several places.
struct FrameTemplate {
    private let frame: [UInt8]
    /// Where the field goes, in bytes of the frame.
    private let sites: [Int]
    private let width: Int
    private let header: Int

    private static let mask: [UInt8] = [0x9b, 0x27, 0xe4, 0x5d]
    private static let blank = UInt8(ascii: "#")

    init(_ text: String) {
        let payload = Array(text.utf8)
        var frame: [UInt8] = [0x81]
        if payload.count < 126 {
            frame.append(0x80 | UInt8(payload.count))
        } else {
            precondition(payload.count <= Int(UInt16.max), "a frame of a benchmark is small")
            frame += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
        }
        frame += Self.mask
        header = frame.count
        var sites: [Int] = []
        var width = 0
        for (index, byte) in payload.enumerated() {
            if byte == Self.blank {
                if index == 0 || payload[index - 1] != Self.blank {
                    sites.append(header + index)
                    width = 0
                }
                width += 1
            }
            frame.append(byte ^ Self.mask[index % 4])
        }
        self.frame = frame
        self.sites = sites
        self.width = width
    }

    /// Puts the frame behind what is to be sent.
    func send(_ field: UnsafeRawBufferPointer, on link: Link) {
        precondition(field.count == width)
        link.output.append(atMost: frame.count) { room in
            room.copyBytes(from: frame)
            for site in sites {
                for index in 0..<width {
                    room[site + index] = field[index] ^ Self.mask[(site + index - header) % 4]
                }
            }
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

    /// A frame without a field.
    static func frame(_ text: String) -> [UInt8] { FrameTemplate(text).frame }

    /// Puts a frame without a field behind what is to be sent.
    static func send(_ text: String, on link: Link) {
        let template = FrameTemplate(text)
        precondition(template.sites.isEmpty)
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

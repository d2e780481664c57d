import JSON
import Primitives

/// What the simulator's messages and requests say: a number that no other has.
struct Payload {
    let number: Int
    /// The FIFO queue's name and group; empty for others.
    let line: String

    init?(_ bytes: [UInt8]) {
        let text = JSONText(trusted: bytes)
        guard text.isObject, let found = text.member("n")?.numberValue,
            case .integer(let number) = found
        else { return nil }
        self.number = Int(number)
        line = text.member("l")?.stringValue ?? ""
    }

    static func text(_ number: Int, group: UInt64 = 0, line: String = "", bytes: Int = 0) -> String
    {
        let padding = String(repeating: "x", count: bytes)
        return #"{"g":\#(group),"n":\#(number),"l":"\#(line)","p":"\#(padding)"}"#
    }
}

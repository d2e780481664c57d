import ArgumentParser
import JSON

/// A trace on the command line: its id, or at least the first digits of that.
struct TraceArgument: ExpressibleByArgument {
    /// In lower case.
    let digits: String

    /// As `iii-log replay` takes them.
    private static let lengths = 6...32

    init?(argument: String) {
        let digits = argument.lowercased()
        let isHexadecimal = digits.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
        }
        guard isHexadecimal, Self.lengths.contains(digits.utf8.count) else { return nil }
        self.digits = digits
    }

    private var isWhole: Bool { digits.utf8.count == Self.lengths.upperBound }

    /// What asks a list for it.
    var filter: JSONObject {
        let name = isWhole ? "trace_id" : "trace_prefix"
        return [name: .string(digits)]
    }
}

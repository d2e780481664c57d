import Primitives

/// The parameters of a request's query; of those with the same name the first counts.
struct Query {
    private var values: [String: String] = [:]

    /// - Parameter text: as sent, without the question mark.
    init(_ text: String?) {
        for item in (text ?? "").split(separator: "&") {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = pair[0].formDecoded
            guard values[name] == nil else { continue }
            values[name] = pair.count == 2 ? pair[1].formDecoded : ""
        }
    }

    /// Nil where it is not there, or empty.
    subscript(_ name: String) -> String? {
        guard let value = values[name], !value.isEmpty else { return nil }
        return value
    }

    /// - Throws: which parameter is no number in `range`.
    func number(
        _ name: String,
        in range: ClosedRange<UInt64>,
        else standard: UInt64
    ) throws(QueryError) -> UInt64 {
        guard let text = self[name] else { return standard }
        guard let number = UInt64(text), range.contains(number) else {
            throw QueryError(
                "\(name) must be a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }
}

struct QueryError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

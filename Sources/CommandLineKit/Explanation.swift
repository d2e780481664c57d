/// What a code means that a program of this project, or the engine, gives an error; and the way
/// out.
///
/// Every code of the sources has one, and so has every exit status, by its number: TidyTests holds
/// the tables to it. Others have none, but for those of the interface that this engine never gives.
package struct Explanation: Equatable, Sendable {
    package let code: String
    package let meaning: String
    package let remedy: String

    /// All there are: exit statuses and programs first, then what functions answer.
    package static let all =
        read(statuses) + read(programs) + read(logTools) + read(functions) + read(interface)

    /// Codes that nothing here gives, and that are explained to whoever has read of them.
    package static let foreign = Set(read(interface).map(\.code))

    /// What errors of an update begin with.
    private static let operations: Set<Substring> = [
        "set", "increment", "decrement", "remove", "merge", "append",
    ]

    /// The explanation of `code`; what an update says behind its operation, as in
    /// `increment.not_number`, is looked up without that. Nil: there is no such code.
    package static func of(_ code: String) -> Explanation? {
        if let found = all.first(where: { $0.code == code }) { return found }
        guard let dot = code.firstIndex(of: "."), operations.contains(code[..<dot]) else {
            return nil
        }
        let rest = code[dot...].dropFirst()
        return all.first { $0.code == rest }
    }

    /// Reads a table: paragraphs of a line of codes, lines of what they mean, and lines of what to
    /// do, the first of these behind `> `.
    static func read(_ table: String) -> [Explanation] {
        table.split(separator: "\n\n").flatMap { paragraph -> [Explanation] in
            let lines = paragraph.split(separator: "\n")
            let way = lines.firstIndex { $0.hasPrefix("> ") } ?? lines.endIndex
            let meaning = lines[..<way].dropFirst().joined(separator: " ")
            let remedy = lines[way...].joined(separator: " ").dropFirst(2)
            return (lines.first ?? "").split(separator: " ").map { code in
                Explanation(code: String(code), meaning: meaning, remedy: String(remedy))
            }
        }
    }
}

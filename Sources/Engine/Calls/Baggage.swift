import Observability
import Primitives

/// W3C baggage, as far as the engine reads and writes it.
enum Baggage {
    private static let functionKey = "iii.function.id"
    /// How many observers a chain of calls has gone through that goes on from a queue.
    private static let depthKey = "iii.observe.depth"

    /// The function that the baggage says it comes from.
    static func function(in baggage: String?) -> String? {
        value(of: functionKey, in: baggage).map { String($0.split(separator: ";").first ?? "") }
    }

    static func depth(in baggage: String?) -> Int {
        value(of: depthKey, in: baggage).flatMap { Int($0) }.map { max(0, $0) } ?? 0
    }

    /// What the first entry with that key says, its properties along with it; nil: there is none.
    private static func value(of key: String, in baggage: String?) -> Substring? {
        for entry in baggage?.split(separator: ",") ?? [] {
            let pair = entry.split(separator: "=", maxSplits: 1)
            if pair.count == 2, pair[0].drop(while: { $0 == " " }) == key { return pair[1] }
        }
        return nil
    }

    /// The same baggage for what is put into a queue behind so many observers.
    static func deepened(by depth: Int, _ baggage: String?) -> String? {
        guard depth > 0 else { return baggage }
        return replacing(depthKey, by: "\(depth)", in: baggage)
    }

    /// The baggage of a message as each of its deliveries to `function` has it: without what tells
    /// of the span alone that it was sent from, and with its own receipt, whichever the sender may
    /// have been handed with another message.
    static func delivering(
        _ receipt: UUID128,
        to function: String,
        _ baggage: String?
    ) -> String {
        var text = ""
        for entry in baggage?.split(separator: ",") ?? [] {
            let key = String(entry.prefix { $0 != "=" }.filter { !$0.isWhitespace })
            guard key != functionKey, !CallerBaggage.spanTags.contains(key) else { continue }
            text.append(contentsOf: entry)
            text.append(",")
        }
        text.append("\(functionKey)=\(function),\(CallerBaggage.receiptKey)=\(receipt)")
        return text
    }

    /// The same baggage for a call of `function`: that entry replaced, the others kept. Which
    /// message its caller runs, if any, is not the call's own: several calls of one delivery are
    /// not the same thing again.
    static func naming(_ function: String, in baggage: String?) -> String {
        replacing(functionKey, by: function, without: CallerBaggage.receiptKey, in: baggage)
    }

    private static func replacing(
        _ key: String,
        by value: String,
        without other: String? = nil,
        in baggage: String?
    ) -> String {
        guard let baggage else { return "\(key)=\(value)" }
        let others = baggage.split(separator: ",").filter { entry in
            let entry = entry.drop { $0 == " " }
            return !entry.hasPrefix("\(key)=") && other.map { !entry.hasPrefix("\($0)=") } ?? true
        }
        return (others.map(String.init) + ["\(key)=\(value)"]).joined(separator: ",")
    }
}

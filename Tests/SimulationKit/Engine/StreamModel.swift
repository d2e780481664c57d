import Events
import Primitives
import State
import Stream

/// What the events of a stream must be: a list in the order in which they were made, of which a
/// crash may take some of the last.
struct StreamModel {
    static let group = StreamGroup(stream: "b", group: "g")

    private(set) var events: [StreamEvent] = []
    private(set) var items: [String: [UInt8]] = [:]
    /// How many of the events somebody was told of.
    var promised = 0

    mutating func add(_ event: StreamEvent) {
        events.append(event)
        switch event {
        case .set(let set): items[set.item] = set.value
        case .deleted(let deleted): items[deleted.item] = nil
        case .sent, .relayed: break
        }
    }

    /// Compares with the events of a log and with the view folded from them; nil: both are right.
    mutating func judge(_ found: [StreamEvent], _ view: StreamView) -> String? {
        if found.count < promised {
            return "\(promised) events of streams promised, \(found.count) recovered"
        }
        guard found.count <= events.count, found == Array(events.prefix(found.count)) else {
            return "the events of streams are not those that were made"
        }
        events = []
        items = [:]
        for event in found { add(event) }
        promised = found.count
        if view.itemCount != items.count { return "\(view.itemCount) items, not \(items.count)" }
        for (item, value) in items {
            guard let entry = view.entry(of: item, in: Self.group) else {
                return "item \(item) is gone"
            }
            if let kept = entry.value, kept != value { return "item \(item) is another one" }
        }
        return nil
    }
}

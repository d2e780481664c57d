import Events
import Primitives

// What is printed of the records of configuration entries.

extension ConfigurationEvent {
    var fields: [EventField] {
        switch self {
        case .registered(let event):
            [
                EventField("id", event.id), EventField("name", event.name),
                EventField("description", event.description),
            ] + EventField.json("schema", event.schema)
                + EventField.json("metadata", event.metadata)
                + EventField.json("value", event.value ?? [])
        case .set(let event):
            [EventField("id", event.id)] + EventField.json("value", event.value)
        case .deleted(let event):
            [EventField("id", event.id), EventField("reason", "\(event.reason)")]
        case .fileTaken(let event):
            [EventField("id", event.id), EventField("hash", hexadecimal(event.hash))]
        }
    }

    var headline: Headline {
        switch self {
        case .registered(let event):
            var headline = Headline("configuration \(event.id) is described")
            guard let value = event.value else { return headline }
            headline = Headline("configuration \(event.id) is described, and =")
            headline.value = value
            return headline
        case .set(let event):
            var headline = Headline("configuration \(event.id) =")
            headline.value = event.value
            return headline
        case .deleted(let event):
            let reason =
                switch event.reason {
                case .fileGone: "its file is gone"
                case .unused: "no trigger is bound to it any more"
                }
            return Headline("configuration \(event.id) is gone: \(reason)")
        case .fileTaken(let event):
            return Headline("configuration \(event.id): its file is taken")
        }
    }
}

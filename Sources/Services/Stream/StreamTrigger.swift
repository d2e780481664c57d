package import Events
package import JSON
package import Primitives

/// A function that runs for the events of a stream (services 1, D.5).
package struct StreamTrigger: Equatable, Sendable {
    package let id: String
    package let function: FunctionName
    package let stream: String
    /// Nil: any.
    package let group: String?
    package let item: String?
    /// Asked before each run; only its answer `false` forbids it.
    package let condition: FunctionName?

    /// The members of a configuration that are read.
    package static let members = ["stream_name", "group_id", "item_id", "condition_function_id"]

    /// The trigger that a worker's registration describes.
    ///
    /// - Throws: `trigger_registration_failed` with a message for the worker's log.
    package init(id: String, function: FunctionName, config: JSONText) throws(ErrorBody) {
        self.id = id
        self.function = function
        do throws(JSONFieldError) {
            let fields = try JSONFields(config)
            stream = try fields.requiredString("stream_name")
            guard !stream.isEmpty else {
                throw fields.mismatch("stream_name", expected: "the name of a stream")
            }
            group = try fields.optionalString("group_id").flatMap { $0.isEmpty ? nil : $0 }
            item = try fields.optionalString("item_id").flatMap { $0.isEmpty ? nil : $0 }
            condition = try fields.optionalString("condition_function_id").map {
                FunctionName(namespace: function.namespace, id: $0)
            }
        } catch {
            throw ErrorBody(
                code: "trigger_registration_failed",
                message: "the configuration of stream trigger \"\(id)\": \(error)"
            )
        }
    }

    func matches(_ event: StreamEvent) -> Bool {
        let place = event.group
        return group.map { $0.utf8.elementsEqual(place.group.utf8) } ?? true
            && item.map { item in event.item.map { item.utf8.elementsEqual($0.utf8) } ?? false }
                ?? true
    }
}

/// The triggers of streams, and those for joins and leaves.
package struct StreamTriggers: Sendable {
    private var ofStreams: [Name: [StreamTrigger]] = [:]
    private var streams: [String: Name] = [:]
    /// The ids of triggers that fire when somebody joins, in the order in which they came.
    package private(set) var ofJoins: [String] = []
    package private(set) var ofLeaves: [String] = []

    package init() {}

    /// Takes the place of one with the same id.
    package mutating func add(_ trigger: StreamTrigger) {
        let stream = Name(trigger.stream)
        if streams[trigger.id] == stream,
            let place = ofStreams[stream]?.firstIndex(where: { $0.id == trigger.id })
        {
            ofStreams[stream]?[place] = trigger
            return
        }
        remove(trigger.id)
        streams[trigger.id] = stream
        ofStreams[stream, default: []].append(trigger)
    }

    package mutating func remove(_ id: String) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        ofStreams[stream]?.removeAll { $0.id == id }
        if ofStreams[stream]?.isEmpty == true { ofStreams[stream] = nil }
    }

    package mutating func addJoin(_ id: String) {
        if !ofJoins.contains(id) { ofJoins.append(id) }
    }

    package mutating func removeJoin(_ id: String) { ofJoins.removeAll { $0 == id } }

    package mutating func addLeave(_ id: String) {
        if !ofLeaves.contains(id) { ofLeaves.append(id) }
    }

    package mutating func removeLeave(_ id: String) { ofLeaves.removeAll { $0 == id } }

    /// What is asked before a trigger runs its function; nil: nothing.
    package func condition(of id: String) -> FunctionName? {
        guard let stream = streams[id] else { return nil }
        return ofStreams[stream]?.first { $0.id == id }?.condition
    }

    /// Those that an event fires, in the order in which they came.
    package func matching(_ event: StreamEvent) -> [StreamTrigger] {
        guard !ofStreams.isEmpty, let triggers = ofStreams[Name(event.group.stream)] else {
            return []
        }
        return triggers.filter { $0.matches(event) }
    }
}

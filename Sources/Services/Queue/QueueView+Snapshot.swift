import DequeModule
import Events
package import Primitives
package import RecordFormat

// What a snapshot holds of the queues: every message with its place and state, and no content,
// which stays in the log.

extension QueueView {
    package func encode(into writer: inout SnapshotWriter) {
        let names = queues.keys.sorted()
        writer.write { $0.varint(UInt64(names.count)) }
        for name in names {
            guard let queue = queues[name] else { continue }
            writer.write {
                $0.text(name)
                queue.settings.encode(into: &$0)
                $0.byte(queue.subscription == nil ? 0 : 1)
                queue.subscription?.encode(into: &$0)
                $0.byte(queue.isEnded ? 1 : 0)
                $0.byte(queue.configured == nil ? 0 : 1)
                queue.configured?.encode(into: &$0)
            }
            queue.encodeMessages(into: &writer)
        }
        writer.write { $0.varint(UInt64(topics.count)) }
        for topic in topicNames {
            writer.write {
                $0.text(topic)
                $0.varint(UInt64(queues(ofTopic: topic).count))
                for name in queues(ofTopic: topic) { $0.text(name) }
            }
        }
    }

    /// Reads what ``encode(into:)`` wrote into a view of nothing.
    package init(from reader: inout ByteReader, budget: MemoryBudget) throws(DecodeError) {
        self.init(budget: budget)
        for _ in 0..<(try reader.varint()) {
            let name = try reader.text()
            let settings = try QueueSettings(from: &reader)
            let subscription = try reader.byte() == 0 ? nil : try Subscribed(from: &reader)
            let queue = QueueState(settings: settings, subscription: subscription)
            queue.isEnded = try reader.byte() != 0
            queue.configured = try reader.byte() == 0 ? nil : try QueueSettings(from: &reader)
            queues[name] = queue
            try decodeMessages(of: queue, name, from: &reader)
        }
        for _ in 0..<(try reader.varint()) {
            let topic = try reader.text()
            var names: [String] = []
            for _ in 0..<(try reader.varint()) { names.append(try reader.text()) }
            topics[topic] = names
        }
    }

    private mutating func decodeMessages(
        of queue: QueueState,
        _ name: String,
        from reader: inout ByteReader
    ) throws(DecodeError) {
        var targets: [Target] = []
        for _ in 0..<(try reader.varint()) {
            let namespace = try reader.text()
            let function = FunctionName(namespace: namespace, id: try reader.text())
            targets.append(target(function, in: queue))
        }
        var offset = Offset.zero
        for _ in 0..<(try reader.varint()) {
            offset = try reader.offset(after: offset)
            let message = try Message(at: offset, targets, from: &reader)
            queue.messages.insert(message)
            switch message.state {
            case .waiting, .done: break
            case .delayed(let until):
                queue.delayedCount += 1
                wait(message, until: until, in: name)
            case .inFlight: queue.inFlight += 1
            case .dead: queue.deadCount += 1
            }
        }
        for _ in 0..<(try reader.varint()) {
            let group = try reader.text()
            let behind = try queue.decodeList(from: &reader)
            for message in behind { message.isBehind = true }
            queue.groups[group] = Deque(behind)
        }
        for message in try queue.decodeList(from: &reader) { queue.ready.append(message) }
        for message in try queue.decodeList(from: &reader) { queue.ready.reinsert(message) }
    }
}

extension QueueState {
    fileprivate func encodeMessages(into writer: inout SnapshotWriter) {
        let all = messages.inOrder
        var numbers: [ObjectIdentifier: UInt64] = [:]
        var targets: [Target] = []
        for message in all where numbers[ObjectIdentifier(message.target)] == nil {
            numbers[ObjectIdentifier(message.target)] = UInt64(targets.count)
            targets.append(message.target)
        }
        writer.write {
            $0.varint(UInt64(targets.count))
            for target in targets {
                $0.text(target.function.namespace)
                $0.text(target.function.id)
            }
            $0.varint(UInt64(all.count))
        }
        var last: UInt64 = 0
        for message in all {
            writer.write {
                $0.varint(message.offset.rawValue - last)
                $0.varint(numbers[ObjectIdentifier(message.target)] ?? 0)
                message.encode(into: &$0)
            }
            last = message.offset.rawValue
        }
        writer.write { $0.varint(UInt64(groups.count)) }
        for group in groups.keys.sorted() {
            writer.write { $0.text(group) }
            encode(Array(groups[group] ?? []), into: &writer)
        }
        encode(ready.inOrder, into: &writer)
        encode(ready.comingBack, into: &writer)
    }

    /// Messages by their offsets, each as the distance from the one before.
    private func encode(_ list: [Message], into writer: inout SnapshotWriter) {
        writer.write { $0.varint(UInt64(list.count)) }
        var last: Int64 = 0
        for message in list {
            let offset = Int64(bitPattern: message.offset.rawValue)
            let distance = offset - last
            writer.write { $0.varint(UInt64(bitPattern: distance << 1 ^ distance >> 63)) }
            last = offset
        }
    }

    fileprivate func decodeList(from reader: inout ByteReader) throws(DecodeError) -> [Message] {
        var list: [Message] = []
        var last: Int64 = 0
        for _ in 0..<(try reader.varint()) {
            let code = try reader.varint()
            last &+= Int64(bitPattern: code >> 1) ^ -Int64(bitPattern: code & 1)
            guard let message = messages[Offset(UInt64(bitPattern: last))] else {
                throw DecodeError(position: reader.position, expected: "a message's offset")
            }
            list.append(message)
        }
        return list
    }
}

extension Message {
    private enum Tag {
        static let waiting: UInt8 = 0
        static let delayed: UInt8 = 1
        static let inFlight: UInt8 = 2
        static let dead: UInt8 = 3
        static let hasGroup: UInt8 = 4
        static let states: UInt8 = 3
    }

    fileprivate func encode(into writer: inout ByteWriter) {
        let flags: UInt8 = group == nil ? 0 : Tag.hasGroup
        switch state {
        case .waiting, .done:
            writer.byte(flags | Tag.waiting)
        case .delayed(let until):
            writer.byte(flags | Tag.delayed)
            writer.i64(until.nanoseconds)
        case .inFlight(let since):
            writer.byte(flags | Tag.inFlight)
            writer.i64(since.nanoseconds)
        case .dead(let error, let at):
            writer.byte(flags | Tag.dead)
            writer.i64(at.nanoseconds)
            writer.text(error.code)
            writer.text(error.message)
            writer.text(error.stacktrace)
        }
        if let group { writer.text(group) }
        writer.varint(released.rawValue - offset.rawValue)
        writer.varint(UInt64(failures))
    }

    fileprivate convenience init(
        at offset: Offset,
        _ targets: [Target],
        from reader: inout ByteReader
    ) throws(DecodeError) {
        let number = try reader.varint()
        guard number < UInt64(targets.count) else {
            throw DecodeError(position: reader.position, expected: "a target's number")
        }
        let flags = try reader.byte()
        let state: State
        switch flags & Tag.states {
        case Tag.delayed: state = .delayed(until: Timestamp(nanoseconds: try reader.i64()))
        case Tag.inFlight: state = .inFlight(since: Timestamp(nanoseconds: try reader.i64()))
        case Tag.dead:
            let at = Timestamp(nanoseconds: try reader.i64())
            let code = try reader.text()
            let message = try reader.text()
            let stack = try reader.optionalText()
            let error = ErrorBody(code: code, message: message, stacktrace: stack)
            state = .dead(error: error, at: at)
        default: state = .waiting
        }
        let group = flags & Tag.hasGroup == 0 ? nil : try reader.text()
        self.init(offset: offset, target: targets[Int(number)], group: group, content: nil)
        self.state = state
        released = try reader.offset(after: offset)
        failures = UInt32(truncatingIfNeeded: try reader.varint())
    }
}

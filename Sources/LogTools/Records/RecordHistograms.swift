import Events
import Primitives
import RecordFormat

/// How large records are, and how long messages and calls took.
struct RecordHistograms: Equatable, Sendable {
    /// Bytes of payloads.
    private(set) var sizes = Histogram(RecordHistograms.sizeBounds)
    /// Nanoseconds from the enqueue of a message to each acknowledgement of it.
    private(set) var acks = Histogram(RecordHistograms.timeBounds)
    /// Acknowledgements of messages whose enqueue was not seen, or is too long ago.
    private(set) var untoldAcks = 0
    /// Nanoseconds from when a call was handed to a worker to its result.
    private(set) var calls = Histogram(RecordHistograms.timeBounds)
    private var enqueues = EnqueueTimes()

    /// 16 bytes to 16 MiB.
    private static let sizeBounds = (4...24).map { Int64(1) << $0 }

    /// 10 µs, 20 µs, 50 µs and so on to 500 s.
    private static let timeBounds: [Int64] = {
        var bounds: [Int64] = []
        var step: Int64 = 10_000
        while step <= 100_000_000_000 {
            bounds += [step, 2 * step, 5 * step]
            step *= 10
        }
        return bounds
    }()

    /// Is told of every record that the pass comes by: the enqueue of a message that counts need
    /// not count itself.
    mutating func take(_ record: RecordView, _ isWanted: Bool) {
        let kind = EventKind(rawValue: record.kind)
        if kind == .enqueued { enqueues.add(record.offset, record.time) }
        guard isWanted else { return }
        sizes.add(Int64(record.payload.count))
        guard kind == .acked || kind == .completed else { return }
        switch LogRecord(record).event {
        case .queue(.acked(let event)):
            if let time = enqueues.time(of: event.message) {
                acks.add(time.distance(to: record.time).nanoseconds)
            } else {
                untoldAcks += 1
            }
        case .completed(let event):
            // What was refused before it ran took no time.
            if event.duration.nanoseconds > 0 { calls.add(event.duration.nanoseconds) }
        default:
            break
        }
    }
}

/// When the youngest messages were enqueued. They stay when they are acknowledged: those of a topic
/// are so once for every subscription.
private struct EnqueueTimes: Equatable, Sendable {
    private var times: [Offset: Timestamp] = [:]
    /// The messages in `times`; once it is full, `oldest` is the place of the oldest one.
    private var ring: [Offset] = []
    private var oldest = 0
    private static let capacity = 262_144

    mutating func add(_ message: Offset, _ time: Timestamp) {
        times[message] = time
        guard ring.count == Self.capacity else { return ring.append(message) }
        times[ring[oldest]] = nil
        ring[oldest] = message
        oldest = (oldest + 1) % Self.capacity
    }

    func time(of message: Offset) -> Timestamp? { times[message] }
}

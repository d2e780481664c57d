import DequeModule
import Events
import JSON
import Primitives

/// The points of metrics put together by five minutes, for six hours, and by the hour, for a week:
/// longer than the points themselves are kept (services 2, C.7). Of totals they have what came in
/// a span of time (``MetricGrowth``).
///
/// Bounded: so many spans of time, with so many names in each; of what is more, nothing is kept.
/// And so many bytes: the oldest span of time makes room, and of one that is alone nothing more is
/// kept.
struct MetricRollups: Sendable {
    struct Numbers: Sendable {
        private(set) var count = 0
        private(set) var sum = 0.0
        private(set) var least = Double.infinity
        private(set) var most = -Double.infinity

        mutating func add(_ value: Double) {
            count += 1
            sum += value
            least = min(least, value)
            most = max(most, value)
        }
    }

    fileprivate struct Bucket: Sendable {
        /// In nanoseconds since 1970.
        let start: Int64
        private(set) var numbers: [String: Numbers] = [:]
        private(set) var histograms: [String: MetricPoint.Histogram] = [:]
        /// What they take in memory, roughly.
        private(set) var bytes = 0

        init(start: Int64) { self.start = start }
    }

    fileprivate struct Level: Sendable {
        let interval: Timestamp.Span
        let count: Int
        /// By their starts.
        private(set) var buckets: Deque<Bucket> = []
        /// What they take in memory, roughly.
        private(set) var bytes = 0
        /// Whether anything was not kept, or not for so long, for want of room in bytes.
        private(set) var isCut = false

        init(minutes: Int64, count: Int) {
            interval = .seconds(60 * minutes)
            self.count = count
        }
    }

    /// Those that are asked for by 1 and 2; minutes are put together from the points themselves.
    private var levels = [Level(minutes: 5, count: 72), Level(minutes: 60, count: 168)]
    fileprivate static let names = 500
    /// What a level may take in memory: enough for a week of three hundred histograms with a dozen
    /// buckets each, by the hour.
    static let bytesMax = 32 << 20
    private var growth = MetricGrowth()

    /// What both levels take in memory, in bytes, roughly.
    var bytes: Int { levels.reduce(0) { $0 + $1.bytes } }

    /// Whether anything was not kept, or not for so long, for want of room in bytes.
    var isCut: Bool { levels.contains(where: \.isCut) }

    mutating func add(_ metric: MetricReported, at received: Timestamp) {
        // What comes from far ahead would take the place of all that there is.
        for point in growth.take(metric, at: received) where !point.isAhead(of: received) {
            let time = point.time.nanoseconds == 0 ? received : point.time
            for level in levels.indices { levels[level].add(metric.name, point, at: time) }
        }
    }

    /// The numbers and histograms of a name, or of all, whose spans of time begin within a range.
    func rows(
        level: Int,
        name: String?,
        from: Timestamp,
        until: Timestamp
    ) -> (numbers: [JSONValue], histograms: [JSONValue]) {
        let level = levels[level - 1]
        var rows: (numbers: [JSONValue], histograms: [JSONValue]) = ([], [])
        for bucket in level.buckets
        where bucket.start >= from.nanoseconds && bucket.start <= until.nanoseconds {
            func begin(_ name: String) -> JSONObject {
                [
                    "name": .string(name), "bucket_start_ns": .integer(bucket.start),
                    "bucket_end_ns": .integer(bucket.start + level.interval.nanoseconds),
                ]
            }
            for (key, numbers) in bucket.numbers.sorted(by: { $0.key < $1.key })
            where name.map({ $0 == key }) ?? true {
                rows.numbers.append(numbers.json(begin(key)))
            }
            for (key, histogram) in bucket.histograms.sorted(by: { $0.key < $1.key })
            where name.map({ $0 == key }) ?? true {
                rows.histograms.append(histogram.json(begin(key)))
            }
        }
        return rows
    }
}

extension MetricRollups.Bucket {
    /// What an entry takes beside its name and the buckets of a histogram, in bytes, roughly.
    private static let entryBytes = 128

    /// Adds a point of a metric, where so many bytes are enough for it and for all that is there.
    ///
    /// - Returns: false: they are not.
    mutating func add(_ name: String, _ value: MetricPoint.Value, within limit: Int) -> Bool {
        let ofName = Self.entryBytes + name.utf8.count
        switch value {
        case .number(let number):
            guard hasRoom(numbers, name) else { return true }
            let more = numbers[name] == nil ? ofName : 0
            guard bytes + more <= limit else { return false }
            bytes += more
            numbers[name, default: .init()].add(number)
        case .histogram(let histogram):
            guard hasRoom(histograms, name) else { return true }
            let known = histograms[name]
            let sum = known?.adding(histogram) ?? histogram
            let more = sum.byteCount - (known?.byteCount ?? -ofName)
            guard bytes + more <= limit else { return false }
            bytes += more
            histograms[name] = sum
        }
        return true
    }

    private func hasRoom<Value>(_ values: [String: Value], _ name: String) -> Bool {
        values.count < MetricRollups.names || values[name] != nil
    }
}

extension MetricRollups.Level {
    fileprivate mutating func add(_ name: String, _ point: MetricPoint, at time: Timestamp) {
        let nanoseconds = max(0, time.nanoseconds)
        let start = nanoseconds - nanoseconds % interval.nanoseconds
        guard let place = place(of: start) else { return }
        let before = buckets[place].bytes
        if !buckets[place].add(name, point.value, within: MetricRollups.bytesMax) { isCut = true }
        bytes += buckets[place].bytes - before
        while bytes > MetricRollups.bytesMax {
            dropOldest()
            isCut = true
        }
    }

    private mutating func dropOldest() { bytes -= buckets.removeFirst().bytes }

    /// Nil: it is too old.
    private mutating func place(of start: Int64) -> Int? {
        let place = buckets.lastIndex { $0.start <= start }
        if let place, buckets[place].start == start { return place }
        if place == nil, buckets.count >= count { return nil }
        let next = place.map { $0 + 1 } ?? 0
        buckets.insert(.init(start: start), at: next)
        guard buckets.count > count else { return next }
        dropOldest()
        return next - 1
    }
}

extension MetricRollups.Numbers {
    fileprivate func json(_ row: JSONObject) -> JSONValue {
        var row = row
        row["count"] = .integer(Int64(count))
        row["sum"] = .double(sum)
        row["min"] = .double(least)
        row["max"] = .double(most)
        row["avg"] = .double(sum / Double(max(1, count)))
        return .object(row)
    }
}

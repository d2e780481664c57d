import Events
import Primitives

/// The youngest spans.
///
/// Invariants:
/// * No two have the same trace and id: the later report takes the earlier one's place.
struct SpanStore: Sendable {
    struct Key: Hashable, Sendable {
        let trace: TraceID
        let span: UInt64
    }

    private(set) var window: Window<KeptSpan>
    /// The numbers in the window.
    private var numbers: [Key: UInt64] = [:]
    /// Those that had to make room for younger ones.
    private(set) var forgotten: UInt64 = 0

    /// What the engine calls itself.
    private let service: String

    init(_ bounds: Window<KeptSpan>.Bounds, service: String = "iii") {
        window = Window(bounds)
        self.service = service
    }

    /// All of them, each put together when it is come to.
    var spans: some Sequence<ReportedSpan> {
        window.entries.lazy.map { [service] in $0.element.span(of: service) }
    }

    func spans(of trace: TraceID) -> [ReportedSpan] {
        window.entries.lazy.filter { $0.element.key.trace == trace }
            .map { $0.element.span(of: service) }
    }

    func contains(_ span: UInt64, of trace: TraceID) -> Bool {
        numbers[Key(trace: trace, span: span)] != nil
    }

    mutating func append(_ span: KeptSpan, bytes: Int, at time: Timestamp) {
        let key = span.key
        if let number = numbers[key], let known = window[number] {
            // A span that has ended is not running again.
            if span.isPending, !known.isPending { return }
            window.replace(number, with: span, bytes: bytes)
            // It may be larger.
            return bound(by: window.bounds, now: time)
        }
        numbers[key] = window.next
        window.append(span, bytes: bytes, at: time) { dropped in
            numbers[dropped.key] = nil
            forgotten += 1
        }
    }

    mutating func bound(by bounds: Window<KeptSpan>.Bounds, now: Timestamp) {
        window.bound(by: bounds, now: now) { dropped in
            numbers[dropped.key] = nil
            forgotten += 1
        }
    }

    mutating func removeAll() {
        window.removeAll()
        numbers = [:]
        forgotten = 0
    }

    /// Whether nothing that is here contains it.
    func isRoot(_ span: ReportedSpan) -> Bool {
        span.record.parent == 0 || !contains(span.record.parent, of: span.trace)
    }
}

extension SpanReported {
    var isPending: Bool { end.nanoseconds == 0 }

    /// What it takes in memory, in bytes, roughly.
    var byteCount: Int {
        let texts = [name, service, statusDescription, traceState, scope.name, scope.version]
        let bytes = attributes.byteCount + events.count + links.count + resource.count
        return texts.reduce(256 + bytes) { $0 + ($1?.utf8.count ?? 0) }
    }

    /// How long it took; one that runs: so far.
    func duration(now: Timestamp) -> Timestamp.Span {
        start.distance(to: isPending ? now : end)
    }

    /// Whether it is about the engine itself, and hidden unless asked for (services 2, C.6).
    var isInternal: Bool {
        attributes["iii.function.kind"] == "internal"
            || attributes["function_id"]?.hasPrefix("engine::") == true
    }

    var statusText: String {
        switch status {
        case .unset: "unset"
        case .ok: "ok"
        case .error: "error"
        }
    }
}

/// One connection's side of a protocol, ready for requests: what it asks again and again, and how
/// it reads the answers.
struct Dialogue {
    /// Looks at the beginning of what arrived; nil while nothing there is whole.
    typealias Take = (UnsafeRawBufferPointer) throws(Failure) -> Answer?

    let request: [UInt8]
    let take: Take
}

/// What stands at the beginning of the bytes that arrived.
struct Answer {
    /// Bytes of it.
    let extent: Int
    /// How many requests it answers, the oldest first.
    var requests = 1
}

extension Reactor {
    /// What a step of a handshake made of the bytes that arrived.
    enum Step<Value> {
        case notWhole
        /// Something that is not waited for.
        case skip(Int)
        /// What is waited for, and the bytes of it.
        case done(Value, Int)
    }

    /// Sends `request` and waits for what `take` is content with.
    ///
    /// - Throws: when the link or `take` fails, or 20 s are over; then `what` was waited for.
    func exchange<Value>(
        _ request: [UInt8],
        on link: Link,
        what: String,
        _ take: @escaping (UnsafeRawBufferPointer) throws(Failure) -> Step<Value>
    ) throws(Failure) -> Value {
        var value: Value?
        link.receive = { (link, _) throws(Failure) in
            while value == nil {
                switch try take(link.input.bytes) {
                case .notWhole: return
                case .skip(let extent): link.input.take(extent)
                case .done(let found, let extent):
                    link.input.take(extent)
                    value = found
                }
            }
        }
        link.output.append(request)
        try link.receive(link, Monotonic.now())
        try run(within: 20, what: what) { _ in value != nil }
        guard let value else { throw Failure("no \(what)") }
        return value
    }
}

/// Two ends, and what is on its way between them. Confined to one event loop, its home; the ends
/// may be sockets of others.
///
///     source --- write ---> [ buffered ] --- deliver ---> sink
///            <--- took ----              <--- ready -----
///
/// A source writes no more than the bounds before it is told that the sink took something. A sink
/// gets a batch, and the next one when it is ready: a socket that takes nothing is felt at the
/// other one.
///
/// Invariants:
/// * Messages reach the sink in the order in which they were written, each once.
/// * Each end is attached once; whoever comes second is refused.
/// * The channel is over when its reader has ended: nothing can come through any more.
package final class DataChannel {
    private enum Writer {
        case awaited
        case attached(any ChannelSource)
        case ended(ChannelEnding)
    }

    private enum Reader {
        case awaited
        case attached(any ChannelSink)
        case ended
    }

    package let bounds: ChannelBounds
    /// Called once, when the channel is over.
    package var onOver: () -> Void = {}
    private var writer = Writer.awaited
    private var reader = Reader.awaited
    private var buffered: [ChannelMessage] = []
    /// What the sink has and is not done with; nil: it is ready.
    private var underway: Load?

    package init(bounds: ChannelBounds = ChannelBounds()) { self.bounds = bounds }

    /// Whether both ends have been taken, however long ago.
    package var isFullyAttached: Bool {
        if case .awaited = writer { return false }
        if case .awaited = reader { return false }
        return true
    }

    // MARK: Attaching

    package func attach(_ source: any ChannelSource) {
        guard case .awaited = writer else { return source.refused() }
        if case .ended = reader { return source.refused() }
        writer = .attached(source)
        source.attached()
    }

    package func attach(_ sink: any ChannelSink) {
        guard case .awaited = reader else { return sink.refused() }
        reader = .attached(sink)
        sink.attached()
        deliver()
    }

    // MARK: The writer's side

    /// Takes messages of the attached source, and leaves it to that to keep the bounds.
    package func write(_ batch: [ChannelMessage]) {
        guard case .attached = writer else { return }
        if buffered.isEmpty { buffered = batch } else { buffered += batch }
        deliver()
    }

    /// The source has nothing more. What it wrote before still reaches the sink.
    package func end(_ ending: ChannelEnding) {
        guard case .attached = writer else { return }
        writer = .ended(ending)
        deliver()
    }

    // MARK: The reader's side

    /// The sink is done with what it got.
    package func ready() {
        guard let done = underway else { return }
        underway = nil
        if case .attached(let source) = writer { source.took(done) }
        deliver()
    }

    /// The sink is gone, and what was not read is lost.
    package func leave() {
        guard case .attached = reader else { return }
        finish()
    }

    /// Ends whatever is attached: nobody came in time.
    package func expire() {
        if case .attached(let sink) = reader { sink.ended(.cut) }
        finish()
    }

    private func deliver() {
        guard case .attached(let sink) = reader, underway == nil else { return }
        if buffered.isEmpty {
            guard case .ended(let ending) = writer else { return }
            finish()
            return sink.ended(ending)
        }
        let batch = takeBatch()
        var load = Load()
        for message in batch { load.add(message) }
        underway = load
        sink.deliver(batch)
    }

    /// What is buffered, as far as the bounds go: a source may have had all of it at once.
    private func takeBatch() -> [ChannelMessage] {
        var load = Load()
        let end = buffered.firstIndex { message in
            defer { load.add(message) }
            return load.fills(bounds)
        }
        guard let end else {
            defer { buffered = [] }
            return buffered
        }
        defer { buffered.removeFirst(end) }
        return Array(buffered[..<end])
    }

    private func finish() {
        if case .ended = reader { return }
        reader = .ended
        buffered = []
        underway = nil
        if case .attached(let source) = writer {
            writer = .ended(.cut)
            source.readerLeft()
        }
        let callback = onOver
        onOver = {}
        callback()
    }
}

/// How a writer came to its end.
package enum ChannelEnding: Equatable, Sendable {
    /// It said so: everything was written.
    case whole
    /// It was lost, or given up.
    case cut
}

/// Who writes into a channel. Every method is called on the channel's home.
package protocol ChannelSource {
    /// Writing may begin.
    func attached()
    /// Another one has the end.
    func refused()
    /// So much has reached the reader.
    func took(_ load: Load)
    /// Nobody reads any more.
    func readerLeft()
}

/// Who reads from a channel. Every method is called on the channel's home.
package protocol ChannelSink {
    func attached()
    /// Another one has the end.
    func refused()
    /// Messages in order; the next ones come after ``DataChannel/ready()``.
    func deliver(_ batch: [ChannelMessage])
    /// Nothing more will come.
    func ended(_ ending: ChannelEnding)
}

package import JSON
package import Observability
package import Primitives

/// What the engine is like at one moment, for whoever watches it: values, and nothing that changes.
///
/// Taken in one pass over what there is when somebody asks; nobody is told of what is not on disk.
package struct EnginePicture: Sendable {
    package let now: Timestamp
    /// Changes whenever a worker, a function or a trigger comes, goes or says who it is.
    package let version: UInt64
    /// By name, at most ``Limits/pictureRows``.
    package let queues: [Queue]
    /// By name and id, at most ``Limits/pictureRows``.
    package let workers: [Worker]
    /// Nil: they are as they were at the version that was asked from.
    package let functions: [Function]?
    package let triggers: [Trigger]?
    /// Those that have items, or that somebody has joined.
    package let streams: [Stream]
    package let work: Work
    package let log: Log

    package struct Queue: Equatable, Sendable {
        package let name: String
        /// Messages that wait, are delayed or in flight.
        package let depth: Int
        package let inFlight: Int
        package let delayed: Int
        package let dead: Int
        /// When the oldest message that waits was enqueued; nil: none waits, or it is not known.
        package let oldest: Timestamp?
        /// Functions of messages that wait for a worker to serve them, and how many wait.
        package let unserved: [Unserved]
        package let tally: QueueTally
    }

    package struct Unserved: Equatable, Sendable {
        package let function: FunctionName
        package let count: Int
    }

    /// What became of a queue's messages since this start.
    package struct QueueTally: Equatable, Sendable {
        package let delivered: UInt64
        package let acked: UInt64
        package let failed: UInt64
        package let dead: UInt64
    }

    package struct Worker: Equatable, Sendable {
        package let id: UUID128
        package let name: String?
        package let namespace: String
        package let runtime: String
        package let version: String
        package let functionCount: Int
        /// What it was asked to run and has not answered.
        package let active: Int
        package let joined: Timestamp
        package let address: String
        package let pid: Int64?
    }

    package struct Function: Equatable, Sendable {
        package let name: FunctionName
        package let worker: String
        package let owners: Int
        package let definition: JSONText
    }

    package struct Trigger: Equatable, Sendable {
        package let id: String
        package let type: String
        package let function: FunctionName
        package let worker: String
        package let config: JSONText
        /// Whether nobody serves its type.
        package let isParked: Bool
        /// Whether somebody serves its function.
        package let isServed: Bool
    }

    package struct Stream: Equatable, Sendable {
        package let name: String
        package let groups: Int
        package let subscribers: Int
    }

    /// How much there is, and what is under way.
    package struct Work: Equatable, Sendable {
        package let workers: Int
        /// Workers that have connected since this start, and that have gone.
        package let spawned: Int
        package let died: Int
        package let functions: Int
        package let triggers: Int
        package let running: Int
        package let requests: Int
        package let waitingRequests: Int
        /// Effects that wait for their records to be on disk.
        package let held: Int
        /// Messages of spans, logs or metrics that were dropped since this start.
        package let droppedTelemetry: Int
        /// HTTP responses since this start, by status.
        package let replies: [Int: UInt64]
    }

    package struct Log: Sendable {
        package let durable: Offset
        package let staged: Offset
        /// Since this start.
        package let batches: UInt64
        package let writtenBytes: UInt64
        /// From a batch's write to its being on disk.
        package let syncs: DurationHistogram
        /// Records of a batch.
        package let sizes: DurationHistogram
        /// Why new work is refused; nil: it is taken.
        package let shortage: String?
    }
}

/// Asks for a picture; answered by ``Effect/picture(_:_:)``.
package struct PictureRequest: Sendable {
    /// The event loop that asks.
    package let loop: Int
    package let id: UInt64
    /// Functions and triggers are left out where this is their version.
    package let known: UInt64?

    package init(loop: Int, id: UInt64, known: UInt64?) {
        self.loop = loop
        self.id = id
        self.known = known
    }
}

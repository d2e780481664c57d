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
    /// By name; of more than ``Limits/pictureRows`` those with the most dead letters, and of
    /// equals the deepest.
    package let queues: [Queue]
    /// Of all queues, whether they have a row or not.
    package let allQueues: QueueCounts
    /// Those that have said who they are, or serve something: the first ones by name, and of equals
    /// by when they joined; at most ``Limits/pictureRows``.
    package let workers: [Worker]
    /// How many of those there are.
    package let workerCount: Int
    /// The first ones by id. Nil: they are as they were at the version that was asked from.
    package let functions: [Function]?
    /// By id; of more than ``Limits/pictureRows`` those that nothing comes of. Nil: as functions.
    package let triggers: [Trigger]?
    /// Those that have items, or that somebody has joined, by name; of more than
    /// ``Limits/pictureRows`` those with the most subscribers, then those with the most groups.
    package let streams: [Stream]
    /// Records of this life.
    package let counts: RecordCounts
    /// Of the first ``Limits/pictureRows`` functions that ran in this life.
    package let runs: RunTable
    package let work: Work
    package let log: Log

    package struct Queue: Equatable, Sendable {
        package let name: String
        package let counts: QueueCounts
        /// When the oldest message that waits was enqueued; nil: none waits, or it is not known.
        package let oldest: Timestamp?
        /// Functions of messages that wait for a worker to serve them, and how many wait.
        package let unserved: [Unserved]
    }

    /// How many messages a queue has, or several queues have together.
    package struct QueueCounts: Equatable, Sendable {
        package internal(set) var queues = 0
        /// Messages that wait, are delayed or in flight.
        package internal(set) var depth = 0
        package internal(set) var inFlight = 0
        package internal(set) var delayed = 0
        package internal(set) var dead = 0
        package internal(set) var tally = QueueTally()

        static func += (left: inout QueueCounts, right: QueueCounts) {
            left.queues += right.queues
            left.depth += right.depth
            left.inFlight += right.inFlight
            left.delayed += right.delayed
            left.dead += right.dead
            left.tally.delivered += right.tally.delivered
            left.tally.acked += right.tally.acked
            left.tally.retried += right.tally.retried
            left.tally.dead += right.tally.dead
        }
    }

    package struct Unserved: Equatable, Sendable {
        package let function: FunctionName
        package let count: Int
    }

    /// What became of a queue's messages since this start.
    package struct QueueTally: Equatable, Sendable {
        package internal(set) var delivered: UInt64 = 0
        package internal(set) var acked: UInt64 = 0
        package internal(set) var retried: UInt64 = 0
        package internal(set) var dead: UInt64 = 0
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
        /// Streams that have items, or that somebody has joined, and who has joined groups of them.
        package let streams: Int
        package let subscribers: Int
        package let running: Int
        package let requests: Int
        package let waitingRequests: Int
        /// Effects that wait for their records to be on disk.
        package let held: Int
        /// Messages of spans, logs or metrics that were dropped since this start.
        package let droppedTelemetry: Int
        /// Runs that triggers for telemetry did not lead to, since they were too many, since this
        /// start.
        package let droppedFirings: UInt64
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

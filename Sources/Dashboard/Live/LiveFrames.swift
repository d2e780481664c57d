import Engine
import JSON
import NIOCore
import NetServer
import Observability
import Primitives

/// The messages of `WS /api/live`: what was told last, and so what has to be told next.
struct LiveFrames {
    /// What a picture of the core does not show.
    struct Surroundings {
        let totals: RecordTotals
        let host: HostFigures
        /// Commands that wait for the core.
        let inbox: Int
        let processes: [ProcessRow]
        let requests: [RequestRow]
        let passed: Int
        let cursor: UInt64
        let logs: News<LiveLine>
    }

    /// Of the functions and triggers that are known; nil: none are.
    private(set) var version: UInt64?
    /// Up to which change requests were told.
    private(set) var cursor: UInt64 = 0
    private var functions: [EnginePicture.Function] = []
    private var triggers: [EnginePicture.Trigger] = []
    private var rates = LiveRates()
    /// The last message of each kind, as text.
    private var last: [Kind: [UInt8]] = [:]

    private enum Kind: Int, CaseIterable {
        case now, workers, functions, triggers, queues, streams, problems, processes
    }

    /// - Returns: the frames of the messages that say what has changed.
    mutating func take(_ picture: EnginePicture, _ around: Surroundings) -> ByteBuffer {
        rates.take(around.totals, picture)
        if let functions = picture.functions { self.functions = functions }
        if let triggers = picture.triggers { self.triggers = triggers }
        version = picture.version
        let work = picture.work
        var buffer = ByteBuffer()
        tell(.now, rates.message(picture, around), in: &buffer)
        tell(.workers, LiveText.workers(picture.workers, picture.workerCount), in: &buffer)
        if picture.functions != nil || rates.areFunctionsDue {
            let text = LiveText.functions(functions, work.functions, rates.functions)
            tell(.functions, text, in: &buffer)
        }
        if picture.triggers != nil {
            tell(.triggers, LiveText.triggers(triggers, work.triggers), in: &buffer)
        }
        tell(.queues, LiveText.queues(picture.queues, picture.allQueues), in: &buffer)
        tell(.streams, LiveText.streams(picture.streams, work.streams), in: &buffer)
        let problems = LiveProblem.all(picture, triggers, rates)
        tell(.problems, LiveText.problems(problems), in: &buffer)
        tell(.processes, LiveText.processes(around.processes), in: &buffer)
        if !around.requests.isEmpty {
            let text = LiveText.requests(around.requests, passed: around.passed)
            Self.append(text, to: &buffer)
        }
        if !around.logs.elements.isEmpty || around.logs.passed > 0 {
            Self.append(LiveText.logs(around.logs), to: &buffer)
        }
        cursor = around.cursor
        return buffer
    }

    /// The frames of all there is to know, for whoever knows nothing.
    func whole(recent: [RequestRow], logs: News<LiveLine>) -> ByteBuffer {
        var buffer = ByteBuffer()
        for kind in Kind.allCases {
            if let text = last[kind] { Self.append(text, to: &buffer) }
        }
        if !recent.isEmpty { Self.append(LiveText.requests(recent, passed: 0), to: &buffer) }
        if !logs.elements.isEmpty { Self.append(LiveText.logs(logs), to: &buffer) }
        return buffer
    }

    /// Only what differs from what was told before.
    private mutating func tell(_ kind: Kind, _ text: [UInt8], in buffer: inout ByteBuffer) {
        guard last[kind] != text else { return }
        last[kind] = text
        Self.append(text, to: &buffer)
    }

    static func append(_ text: [UInt8], to buffer: inout ByteBuffer) {
        text.withUnsafeBufferPointer { SharedFrames.append(text: $0, to: &buffer) }
    }
}

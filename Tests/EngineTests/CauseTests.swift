import LogTools
import Observability
import Primitives
import Testing

@testable import Engine

/// What makes a function run is its cause in the log, and `iii-log verify --semantic` knows which
/// causes there are.
@Suite("Causes")
struct CauseTests {
    /// Where what fires the triggers comes from, and who serves their function.
    private let lab: Lab
    private let caller: Peer
    private let worker: Peer

    init() throws {
        lab = try Lab()
        caller = try lab.join("c", serving: "outer")
        worker = try lab.join("w", serving: "f")
    }

    private static func config(of type: EngineTriggerType) -> String {
        switch type {
        case .http: #"{"api_path":"f","http_method":"GET"}"#
        case .cron: #"{"expression":"* * * * *"}"#
        case .queue, .durableSubscriber, .subscribe: #"{"topic":"t"}"#
        case .stream: #"{"stream_name":"board"}"#
        case .state, .streamJoin, .streamLeave, .configuration, .log, .trace, .functionsAvailable,
            .workersAvailable:
            "{}"
        }
    }

    /// Does what triggers of this type wait for, as the `number`th time, and in as many ways as
    /// there are.
    private func happen(_ type: EngineTriggerType, number: UInt64) throws {
        func call(_ function: String, _ input: String) throws {
            try lab.settle(.call(caller, function, input))
        }
        let place = #"{"scope":"s","key":"k\#(number)""#
        let item = #"{"stream_name":"board","group_id":"g","item_id":"i\#(number)""#
        switch type {
        case .http:
            try lab.settle(.get("/f", exchange: number))
        case .cron:
            try call("engine::cron::run", #"{"job":"t"}"#)
            lab.pass(seconds: 60)
            try lab.settle()
        case .queue, .durableSubscriber:
            try call("iii::durable::publish", #"{"topic":"t","data":1}"#)
        case .state:
            try call("state::set", place + #","value":1}"#)
            try call("state::delete", place + "}")
            try call("state::delete", place + "}")
        case .stream:
            try call("stream::set", item + #","data":1}"#)
            try call("stream::delete", item + "}")
        case .streamJoin, .streamLeave:
            try lab.settle(.join(number))
            try lab.settle(.leave(number))
        case .configuration:
            let entry = #"{"id":"e\#(number)","name":"n","description":"d","schema":{}}"#
            try call("configuration::register", entry)
            try call("configuration::set", #"{"id":"e\#(number)","value":1}"#)
        case .subscribe:
            try call("publish", #"{"topic":"t","data":1}"#)
        case .log:
            try call("engine::log::info", #"{"message":"m"}"#)
        case .trace:
            let trace = try #require(TraceID(high: 1, low: number))
            try lab.settle(.sawTraces([SeenTrace(trace: trace, service: "s", status: "ok")]))
        case .functionsAvailable:
            try lab.settle(.serve(caller, "g\(number)"))
            lab.pass(seconds: 6)
            try lab.settle()
        case .workersAvailable:
            _ = try lab.join("o\(number)")
        }
    }

    /// Has the function of the trigger end as often as it runs for what `body` does.
    ///
    /// - Returns: how often that is.
    private func runs(_ body: () throws -> Void) throws -> Int {
        let before = lab.left.count
        try body()
        var waiting = lab.left[before...].compactMap(\.dispatch).filter { $0.function == "f" }
        var count = 0
        while !waiting.isEmpty {
            let run = waiting.removeFirst()
            count += 1
            let next = try lab.settle(.answer(worker, run.invocation)).dispatches
            waiting += next.filter { $0.function == "f" }
        }
        return count
    }

    @Test(
        "whatever fires a trigger, nobody or a function, verify knows that it does",
        arguments: EngineTriggerType.allCases.map(\.rawValue)
    )
    func known(name: String) throws {
        let type = try #require(EngineTriggerType(rawValue: name))
        try lab.settle(.trigger(worker, name, Self.config(of: type), to: "f"))
        let ofNobody = try runs { try happen(type, number: 1) }
        #expect(ofNobody > 0)
        let outer = try lab.settle(.call(worker, "outer")).dispatches
        #expect(outer.map(\.function) == ["outer"])
        let ofFunction = try runs { try happen(type, number: 2) }
        #expect(ofFunction > 0)
        let pass = LogPass(SimulatedSource(disk: lab.disk))
        let verification = try Verification(pass, depth: .semantic)
        #expect(verification.contradictions == [])
        #expect(verification.damages == [])
    }
}

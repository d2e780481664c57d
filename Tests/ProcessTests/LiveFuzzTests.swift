import Foundation
import Testing

extension LongPrograms {
    /// Damaged messages and frames from many hands, beside clients that behave.
    @Suite("Fuzzing a live engine")
    struct LiveFuzzTests {
        /// `III_FUZZ_SECONDS` changes how long, `III_FUZZ_SEED` repeats the choices.
        static let seconds = Project.environment("III_FUZZ_SECONDS").flatMap(Double.init) ?? 4
        static let seed =
            Project.environment("III_FUZZ_SEED").flatMap(UInt64.init)
            ?? UInt64.random(in: 1...999_999)
    }
}

extension LongPrograms.LiveFuzzTests {
    @Test("Whatever others send, every call of a client that behaves is answered")
    func others() throws {
        let fuzz = try LiveFuzz(seed: Self.seed)
        print("live fuzz: \(Self.seconds) s, III_FUZZ_SEED=\(Self.seed)")
        let deadline = Deadline(in: Self.seconds)
        while !deadline.passed { try fuzz.step() }
        print("live fuzz: \(fuzz.summary), III_FUZZ_SEED=\(Self.seed)")
        #expect(fuzz.frames > 1000 && fuzz.calls > 100, "\(fuzz.summary)")
        #expect(fuzz.replies > 0, "none of it was ever understood")
        try fuzz.finish()
    }
}

/// An engine, four peers that send anything, and two that call each other.
private final class LiveFuzz {
    private let engine: EngineProcess
    private let caller: RawWorker
    private let worker: RawWorker
    private var peers: [WebSocket] = []
    private var mutator: FrameMutator

    private(set) var frames = 0
    private(set) var calls = 0
    /// Messages that the peers got.
    private(set) var replies = 0
    private var connections = 0
    /// Close frames, by code.
    private var closes: [Int: Int] = [:]

    private static let peerCount = 4
    private static let burst = 40

    init(seed: UInt64) throws {
        mutator = FrameMutator(seed: seed)
        engine = try EngineProcess.started()
        worker = try RawWorker.ready(engine, functions: ["good::echo"])
        caller = try RawWorker.ready(engine)
    }

    var summary: String {
        let codes = closes.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
        return "\(frames) damaged frames on \(connections) connections, \(replies) replies, "
            + "closes \(codes.joined(separator: ", ")); \(calls) good calls"
    }

    /// A burst of each peer, and a good call.
    func step() throws {
        while peers.count < Self.peerCount {
            peers.append(try WebSocket(port: engine.workerPort, path: mutator.path()))
            connections += 1
        }
        for (index, peer) in peers.enumerated().reversed() where try !burst(peer) {
            peers.remove(at: index)
        }
        let id = try caller.call("good::echo", ["n": calls])
        let dispatch = try worker.dispatch("good::echo", within: 20)
        try worker.answer(dispatch, calls)
        let reply = try caller.reply(to: id, within: 20)
        guard reply["result"] as? Int == calls else {
            throw Failure("call \(calls) was answered with \(JSON.text(reply)); \(summary)")
        }
        calls += 1
    }

    /// - Returns: whether the connection still stands.
    private func burst(_ peer: WebSocket) throws -> Bool {
        do {
            for _ in 0..<Self.burst {
                frames += 1
                try peer.send(raw: mutator.next())
            }
        } catch {
            // The engine ended it: what it said last can still be read.
            try drain(peer)
            return false
        }
        guard try drain(peer) else { return false }
        if mutator.chance(0.05) {
            peer.disconnect()
            return false
        }
        return true
    }

    /// Reads what is there; false at the end of the connection.
    @discardableResult
    private func drain(_ peer: WebSocket) throws -> Bool {
        while true {
            switch try peer.receive(within: 0) {
            case nil: return true
            case .text, .binary, .pong: replies += 1
            case .close(let code):
                closes[code ?? 0, default: 0] += 1
                return false
            case .end: return false
            }
        }
    }

    /// The engine is whole, and so is its log.
    func finish() throws {
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
        for level in ["--full", "--semantic"] {
            // Ten minutes leave gigabytes, and a debug build reads 20 MB/s.
            let verified = try engine.log("verify", level, within: 1200)
            #expect(verified.ending == .exit(0), "\(verified.all)")
        }
    }
}

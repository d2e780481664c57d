import Events
import Primitives
import RecordFormat
import Testing

@testable import State

/// A part of the log on top of a snapshot makes what folding everything makes.
@Suite("State in snapshots")
struct StateDeltaTests {
    @Test("parts put on top of one another make the state", arguments: UInt64(1)...32)
    func parts(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        var view = StateView(cacheBytes: 0)
        var snapshot = Memory(bytes: [0])
        var offset: UInt64 = 0
        for part in 0..<6 {
            var delta = StateDelta()
            for _ in 0..<entropy.next() % 80 {
                offset += 1 + entropy.next() % 3
                let event = Self.event(&entropy)
                delta.apply(event, at: Offset(offset))
                view.apply(event, at: Offset(offset))
            }
            var kept: Set<Offset> = []
            snapshot = try snapshot.merged(delta) { kept.insert($0) }
            var needed: Set<Offset> = []
            let restored = try snapshot.view()
            #expect(restored.keyCount == view.keyCount, "part \(part)")
            #expect(restored.digest() == view.digest(), "part \(part)")
            for scope in view.scopeNames {
                let entries = view.entries(ofScope: scope)
                #expect(restored.entries(ofScope: scope).map(\.key) == entries.map(\.key))
                #expect(
                    restored.entries(ofScope: scope).map(\.entry.created)
                        == entries.map(\.entry.created)
                )
                needed.formUnion(entries.flatMap { [$0.entry.version, $0.entry.created] })
            }
            #expect(kept == needed, "part \(part)")
        }
    }

    /// A deletion of what is not there is what retention may leave of a key's story.
    private static func event(_ entropy: inout SeededEntropy) -> StateEvent {
        let scope = "s\(entropy.next() % 3)"
        let key = "k\(entropy.next() % 12)"
        if entropy.next() % 3 == 0 { return .deleted(StateDeleted(scope: scope, key: key)) }
        let value = Array("1".utf8)
        let expires = entropy.next() % 4 == 0 ? Timestamp(seconds: Int64(entropy.next() % 9)) : nil
        return .set(
            StateSet(
                scope: scope,
                key: key,
                value: value,
                function: "state::set",
                expires: expires
            )
        )
    }

    @Test("what is no state is refused, not trapped on", arguments: 0..<200)
    func garbage(seed: Int) {
        var entropy = SeededEntropy(seed: UInt64(seed))
        var bytes = (0..<64).map { _ in UInt8(truncatingIfNeeded: entropy.next() % 5) }
        bytes.removeLast(Int(entropy.next() % 64))
        _ = try? Memory(bytes: bytes).view()
    }

    @Test("a key that is there twice is refused")
    func twice() throws {
        let scope: [UInt8] = [1, 1, UInt8(ascii: "s")]
        let key: [UInt8] = [1, 1, UInt8(ascii: "k"), 1, 0]
        #expect(try Memory(bytes: scope + key + [0, 0]).view().keyCount == 1)
        #expect(throws: DecodeError(position: 0, expected: "another key")) {
            try Memory(bytes: scope + key + key + [0, 0]).view()
        }
    }

    /// The state's part of a snapshot.
    private struct Memory {
        let bytes: [UInt8]

        var reader: SnapshotReader {
            SnapshotReader(0..<bytes.count) { [bytes] position, memory in
                memory.copyBytes(from: bytes[position..<position + memory.count])
                return true
            }
        }

        func merged(_ delta: StateDelta, kept: (Offset) -> Void) throws -> Memory {
            final class Sink { var bytes: [UInt8] = [] }
            let sink = Sink()
            var writer = SnapshotWriter {
                sink.bytes += $0
                return true
            }
            var old = reader
            try delta.merge(onto: &old, into: &writer, kept: kept)
            let isAtEnd = old.isAtEnd
            let isWhole = writer.finish() != nil
            #expect(isAtEnd && isWhole)
            return Memory(bytes: sink.bytes)
        }

        func view() throws -> StateView {
            var view = StateView(cacheBytes: 0)
            var reader = reader
            try view.decode(from: &reader)
            return view
        }
    }
}

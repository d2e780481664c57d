package import Primitives

/// What is known about the log beside the log: one of two slots, written in turn.
package struct Manifest: Equatable, Sendable {
    /// A range of a segment that was given up, with the records in it.
    package struct Quarantine: Equatable, Sendable {
        package var segment: UInt64
        package var position: UInt64
        /// The offsets lost, half-open.
        package var lost: Range<Offset>

        package init(segment: UInt64, position: UInt64, lost: Range<Offset>) {
            self.segment = segment
            self.position = position
            self.lost = lost
        }
    }

    /// Identifies the log: every segment repeats it.
    package var engine: UUID128
    /// The valid slot of the larger generation counts; the next one goes into slot
    /// `generation % 2`.
    package var generation: UInt64
    /// The number of the first segment that is kept.
    package var oldestSegment: UInt64
    /// The number of the segment sealed last; nil before the first.
    package var lastSealed: UInt64?
    /// The number of the last segment whose header is known to be on the medium: the segment must
    /// be there. Nil while the first one is made.
    package var active: UInt64?
    /// Every record below was synced when this slot was written.
    package var durable: Offset
    /// Whether the log was closed in order, with everything durable.
    package var isClean: Bool
    package var quarantine: [Quarantine]

    package init(engine: UUID128) {
        self.engine = engine
        generation = 0
        oldestSegment = 0
        lastSealed = nil
        active = nil
        durable = .zero
        isClean = false
        quarantine = []
    }

    /// The ranges that a slot has room for.
    package static let quarantineLimit = 125
    private static let mark: StaticString = "iii-man\n"

    /// Fills the slot that `memory` is.
    package func write(to memory: UnsafeMutableRawBufferPointer) {
        precondition(quarantine.count <= Self.quarantineLimit)
        Page.write(mark: Self.mark, to: memory) { writer in
            writer.uuid(engine)
            writer.u64(generation)
            writer.u64(oldestSegment)
            writer.u64(lastSealed ?? .max)
            writer.u64(active ?? .max)
            writer.u64(durable.rawValue)
            writer.byte(isClean ? 1 : 0)
            writer.byte(0)
            writer.u16(0)
            writer.u32(0)
            writer.u32(0)
            writer.u32(0)
            writer.u32(UInt32(quarantine.count))
            for range in quarantine {
                writer.u64(range.segment)
                writer.u64(range.position)
                writer.u64(range.lost.lowerBound.rawValue)
                writer.u64(range.lost.upperBound.rawValue)
            }
        }
    }

    /// Reads one slot.
    package static func read(_ slot: UnsafeRawBufferPointer) -> PageReading<Manifest> {
        Page.read(mark: mark, slot) { reader throws(DecodeError) in
            var manifest = Manifest(engine: try reader.uuid())
            manifest.generation = try reader.ordinal()
            manifest.oldestSegment = try reader.ordinal()
            let sealed = try reader.u64()
            manifest.lastSealed = sealed == .max ? nil : sealed
            let active = try reader.u64()
            manifest.active = active == .max ? nil : active
            manifest.durable = try reader.offset()
            manifest.isClean = try reader.byte() != 0
            _ = try reader.byte()
            _ = try reader.u16()
            let incompatible = try reader.u32()
            _ = try reader.u32()
            _ = try reader.u32()
            for _ in 0..<min(try reader.u32(), UInt32(quarantineLimit)) {
                let segment = try reader.u64()
                let position = try reader.u64()
                let start = try reader.offset()
                let end = try reader.offset()
                guard start <= end else {
                    throw DecodeError(position: reader.position, expected: "a range of offsets")
                }
                let range = Quarantine(segment: segment, position: position, lost: start..<end)
                manifest.quarantine.append(range)
            }
            return (manifest, incompatible)
        }
    }
}

extension Manifest {
    /// Whether `slot` begins like a slot of MANIFEST, whatever else is wrong with it.
    package static func isMarked(_ slot: UnsafeRawBufferPointer) -> Bool {
        slot.prefix(8).elementsEqual(UnsafeRawBufferPointer(start: mark.utf8Start, count: 8))
    }
}

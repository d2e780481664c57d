import Disk
import Primitives
import RecordFormat

extension LogScanner where Source: ~Copyable {
    // MARK: From segment to segment

    /// The header of a file, where that is the segment which its name says, and of this log.
    func trusted(_ state: State, _ file: SegmentFile) -> SegmentHeader? {
        guard let header = state.header, header.number == file.number, !isStrange(header) else {
            return nil
        }
        return header
    }

    private func isStrange(_ header: SegmentHeader) -> Bool {
        manifest.map { $0.engine != header.engine } ?? false
    }

    /// What a file is whose header is not to be trusted: another segment of this log, which is
    /// nowhere else, or something else.
    func foreignness(
        of header: SegmentHeader,
        _ files: [SegmentFile],
        _ states: [State]
    ) -> Damage.Reason {
        if isStrange(header) { return .foreignSegment }
        for (file, state) in zip(files, states) where file.number == header.number {
            if trusted(state, file) != nil { return .foreignSegment }
        }
        return .misnamed(header.number)
    }

    /// The header behind a segment of which no record is wanted: not even its own need be readable.
    /// Nil where some are, or where a segment is missing before: then only this one's batches tell
    /// from where on.
    func successor(
        of index: Int,
        _ files: ArraySlice<SegmentFile>,
        _ states: [State]
    ) -> SegmentHeader? {
        guard start > .zero else { return nil }
        for next in files.indices.dropFirst(index + 1) {
            guard files[next].number == files[index].number &+ UInt64(next - index) else {
                return nil
            }
            guard let header = trusted(states[next], files[next]) else { continue }
            return header.base <= start ? header : nil
        }
        return nil
    }

    /// Goes by a segment of which no record is wanted.
    mutating func pass(_ header: SegmentHeader?, _ next: SegmentHeader, _ file: SegmentFile) {
        if found.segments == 0, openLoss == nil {
            expected = header?.base ?? expected
            found.first = expected
        }
        found.segments += 1
        // Where a segment before it is missing, that one's records end here.
        if let header, isLossOpen { meet(header.base, segment: file.number, position: 0) }
        expected = next.base
    }

    /// Comes to a segment's first record.
    mutating func enter(_ header: SegmentHeader, _ file: SegmentFile) {
        // Nothing before the oldest segment is missed: it was dropped on purpose. Where a loss is
        // open, this one is not the oldest.
        if found.segments == 0, openLoss == nil {
            found.first = header.base
            expected = header.base
        }
        found.segments += 1
        meet(header.base, segment: file.number, position: 0)
    }
}

extension LogScanner where Source: ~Copyable {
    // MARK: Telling what is wrong

    mutating func report(
        _ reason: Damage.Reason,
        segment: UInt64,
        position: Int,
        lost: Range<Offset>
    ) {
        found.damages.append(Damage(reason, segment: segment, position: position, lost: lost))
    }

    /// Reports a damage whose end only the next intact batch tells.
    mutating func reportOpen(_ reason: Damage.Reason, segment: UInt64, position: Int) {
        report(reason, segment: segment, position: position, lost: expected..<expected)
        if openLoss == nil { openLoss = found.damages.count - 1 }
    }

    var isLossOpen: Bool { openLoss != nil }

    /// Goes on at a base that can be trusted; whatever lies between is lost.
    mutating func meet(_ base: Offset, segment: UInt64, position: Int) {
        if base > expected, openLoss == nil {
            reportOpen(.missingBatches, segment: segment, position: position)
        }
        if base < expected, openLoss == nil {
            reportOpen(.foreignSegment, segment: segment, position: position)
        }
        closeLoss(at: base, isOpenEnded: false)
        expected = max(expected, base)
    }

    mutating func closeLoss(at end: Offset, isOpenEnded: Bool) {
        guard let index = openLoss else { return }
        let damage = found.damages[index]
        let first = damage.lost.lowerBound
        found.damages[index] = Damage(
            damage.reason,
            segment: damage.segment,
            position: damage.position,
            lost: first..<max(first, end),
            isOpenEnded: isOpenEnded
        )
        openLoss = nil
    }

    mutating func finish() {
        if let loss = openLoss {
            closeLoss(at: found.mark, isOpenEnded: true)
            nameSnapshot(loss)
        } else if expected < found.mark {
            report(
                .missingBatches,
                segment: found.tail?.header.number ?? manifest?.oldestSegment ?? 0,
                position: found.tail?.position ?? 0,
                lost: expected..<found.mark
            )
            nameSnapshot(found.damages.count - 1)
        }
        found.next = expected
        found.damages.sort { ($0.segment, $0.position) < ($1.segment, $1.position) }
    }

    /// Where nothing but a snapshot tells that the log went on, the damage names it: no file of the
    /// log shows anything. What was written behind the snapshot is lost as well.
    private mutating func nameSnapshot(_ index: Int) {
        let damage = found.damages[index]
        guard reach > manifest?.durable ?? .zero, damage.reason == .missingBatches,
            damage.lost.upperBound == reach
        else { return }
        found.damages[index] = Damage(
            .snapshotAhead,
            segment: damage.segment,
            position: damage.position,
            lost: damage.lost,
            isOpenEnded: true
        )
    }

    /// All that is wrong so far, for whoever does not go on to where an open loss ends.
    mutating func damages() -> [Damage] {
        closeLoss(at: expected, isOpenEnded: true)
        return found.damages
    }
}

package import Primitives

/// Writes histories for people.
package struct HistoryText {
    private let palette: Palette
    private let isFull: Bool
    /// Deeper levels are not indented any further.
    private static let deepest = 40
    private static let timeWidth = 13

    /// A writer; `isFull` shows payloads and stack traces whole.
    package init(palette: Palette = .plain, isFull: Bool = false) {
        self.palette = palette
        self.isFull = isFull
    }

    // MARK: As a tree

    /// What is still to be written, on a stack of its own: a history may be deeper than the
    /// thread's stack.
    private struct Step {
        enum Content {
            case node(Int)
            case note(String)
        }

        let content: Content
        let depth: Int
        /// What stands before the lines of this step and of those below it.
        let indent: String
        let isLast: Bool

        var first: String { depth == 0 ? "" : indent + (isLast ? "└ " : "├ ") }

        var below: String {
            if depth == 0 { return "" }
            return depth > HistoryText.deepest ? indent : indent + (isLast ? "  " : "│ ")
        }
    }

    /// Each cause with its effects below it, and the time since the history's start.
    package func write(tree: HistoryTree, to output: Output) {
        output.line(header(tree))
        var waiting = tree.roots.reversed().map {
            Step(content: .node($0), depth: 0, indent: "", isLast: true)
        }
        while let step = waiting.popLast() {
            switch step.content {
            case .note(let text):
                output.line(column("") + step.first + palette.yellow(text))
            case .node(let index):
                let node = tree.nodes[index]
                let hasMore = !node.children.isEmpty || node.missing != nil
                let rest = step.below + (hasMore ? "│ " : "  ")
                write(node, tree, first: step.first, rest: rest, to: output)
                var below = node.children.map(Step.Content.node)
                if let missing = node.missing { below.append(.note(missing)) }
                for (place, content) in below.enumerated().reversed() {
                    waiting.append(
                        Step(
                            content: content,
                            depth: step.depth + 1,
                            indent: step.below,
                            isLast: place == below.count - 1
                        )
                    )
                }
            }
        }
    }

    // MARK: As a list

    /// One record after the other, in the order of the log.
    package func write(timeline tree: HistoryTree, to output: Output) {
        output.line(header(tree))
        for node in tree.nodes { write(node, tree, to: output) }
    }

    /// The same, but each record only when `goesOn` says so, which is told how many were shown. It
    /// is asked when a record has been handed over, and not behind the last one.
    package func write(
        steps tree: HistoryTree,
        to output: Output,
        goesOn: (_ shown: Int) -> Bool
    ) {
        output.line(header(tree))
        for (index, node) in tree.nodes.enumerated() {
            write(node, tree, to: output)
            output.flush()
            guard index + 1 < tree.nodes.count, goesOn(index + 1) else { return }
        }
    }

    private func write(_ node: HistoryTree.Node, _ tree: HistoryTree, to output: Output) {
        write(node, tree, first: "", rest: "  ", isBelow: false, to: output)
        if let missing = node.missing {
            output.line(column("") + "  " + palette.yellow(missing))
        }
    }

    // MARK: Lines

    private func header(_ tree: HistoryTree) -> String {
        let offsets = tree.nodes.map(\.record.offset)
        let subject = tree.history.trace.map { "trace \($0)" } ?? "no trace"
        var text = palette.bold(subject) + ", \(Text.count(offsets.count, "record"))"
        if let first = offsets.min(), let last = offsets.max() {
            text += first == last ? " (#\(first))" : " (#\(first) to #\(last))"
        }
        return text + ", \(tree.start.rfc3339()), took \(Text.duration(tree.duration))"
    }

    /// A record: its headline, and below it what it carries. `isBelow`: where it stands says what
    /// led to it.
    private func write(
        _ node: HistoryTree.Node,
        _ tree: HistoryTree,
        first: String,
        rest: String,
        isBelow: Bool = true,
        to output: Output
    ) {
        let record = node.record
        let headline = record.headline(tree.context)
        let elapsed = Text.duration(tree.start.distance(to: node.time))
        var text = paint(headline.text.visible, headline.tone)
        if let value = headline.value { text += " \(payload(value))" }
        if !headline.ending.isEmpty { text += " \(headline.ending)" }
        if isBelow, node.isGuessed { text += palette.gray("  (perhaps)") }
        output.line(column(elapsed) + first + text + palette.gray("  #\(record.offset)"))
        if let detail = headline.detail, !detail.bytes.isEmpty {
            output.line(column("") + rest + "\(detail.label) \(payload(detail.bytes))")
        }
        guard let trace = headline.stacktrace, !trace.isEmpty else { return }
        let lines = trace.split(whereSeparator: \.isNewline)
        for line in isFull ? lines[...] : lines.suffix(1) {
            output.line(column("") + rest + palette.gray(String(line).visible))
        }
    }

    private func column(_ text: String) -> String {
        palette.gray(Text.rightAligned(text, Self.timeWidth)) + "  "
    }

    private func payload(_ bytes: [UInt8]) -> String {
        Text.payload(bytes, limit: isFull ? .max : 240)
    }

    private func paint(_ text: String, _ tone: Headline.Tone) -> String {
        switch tone {
        case .plain: text
        case .good: palette.green(text)
        case .bad: palette.red(text)
        }
    }
}

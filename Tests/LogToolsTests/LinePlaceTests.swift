import Events
import LogTools
import Observability
import Primitives
import Testing

@Suite("Which run a log line of a history belongs to")
struct LinePlaceTests {
    /// `a`, which has sent a message for `b`: both are being delivered.
    private struct Work {
        var story = Story()
        let sender: Offset
        let receiver: Offset
        private let message: Offset

        init() {
            story.begin()
            message = story.enqueue("default", "a", at: 0, cause: nil)
            sender = story.deliver(message, of: "default", at: 1)
            let sent = story.enqueue("default", "b", at: 2, cause: sender)
            receiver = story.deliver(sent, of: "default", at: 3)
        }

        mutating func endOfSender() { story.ack(sender, message, of: "default", at: 9) }

        func place(of body: String) throws -> Place {
            let tree = try story.history()
            let line = try #require(
                tree.nodes.firstIndex { node in
                    guard case .logged(let line) = node.record.event else { return false }
                    return line.body == body
                }
            )
            let above = tree.nodes.first { $0.children.contains(line) }
            return Place(above: above?.record.offset, isGuessed: tree.nodes[line].isGuessed)
        }
    }

    /// What a line stands below, and whether that is a guess.
    private struct Place: Equatable {
        let above: Offset?
        let isGuessed: Bool

        static func of(_ run: Offset) -> Place { Place(above: run, isGuessed: false) }
        static func perhapsOf(_ run: Offset) -> Place { Place(above: run, isGuessed: true) }
    }

    @Test("a line in the span that a delivery was handed is of that one, not of the youngest")
    func handed() throws {
        var work = Work()
        let span = EngineSpans.id(of: work.sender)
        work.story.log("declined", "iii-python-sdk", at: 4, span: span)
        #expect(try work.place(of: "declined") == .of(work.sender))
    }

    @Test("a line in a span of an SDK's own is of the run above it, even when it comes late")
    func reported() throws {
        var work = Work()
        let called = work.story.add(
            .invoked(
                Invoked(
                    invocation: Story.receipt,
                    function: FunctionName(id: "c"),
                    worker: Story.worker,
                    caller: Story.greeter,
                    awaited: true,
                    isCondition: false,
                    input: [],
                    parent: 7
                )
            ),
            at: 4,
            cause: work.sender
        )
        work.story.log("own", "iii-python-sdk", at: 5, span: 7)
        work.story.log("within", "iii-python-sdk", at: 5, span: 8)
        work.story.log("called", "iii-python-sdk", at: 5, span: 9)
        work.endOfSender()
        work.story.log("late", "iii-python-sdk", at: 10, span: 8)
        work.story.span(9, "execute c", below: 7)
        work.story.span(8, "charge", below: 7)
        let handed = EngineSpans.id(of: work.sender)
        work.story.span(7, "execute a", below: handed)
        for body in ["own", "within", "late"] {
            #expect(try work.place(of: body) == .of(work.sender), "\(body)")
        }
        #expect(try work.place(of: "called") == .of(called))
    }

    @Test("where no span leads anywhere it is of the youngest run, and that is said to be a guess")
    func guessed() throws {
        var work = Work()
        work.story.log("none", "iii-python-sdk", at: 4)
        work.story.log("unknown", "iii-python-sdk", at: 4, span: 99)
        for body in ["none", "unknown"] {
            #expect(try work.place(of: body) == .perhapsOf(work.receiver), "\(body)")
        }
        let text = try work.story.text()
        #expect(text.contains("log INFO iii-python-sdk: none  (perhaps)  #"))
        #expect(try work.story.history().json.contains(#""guessed":true"#))
    }

    @Test("spans that are below each other lead nowhere")
    func circle() throws {
        var work = Work()
        work.story.span(7, "x", below: 8)
        work.story.span(8, "y", below: 7)
        work.story.log("round", "s", at: 4, span: 7)
        #expect(try work.place(of: "round") == .perhapsOf(work.receiver))
    }
}

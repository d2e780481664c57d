import Events
import LogTools
import Primitives
import Testing

@Suite struct HistoryTextTests {
    @Test("hello over a function queue is a tree from the request to the state")
    func helloQueue() throws {
        print(try Story.hello().text())
    }
    @Test("hello over a topic")
    func helloTopic() throws {
        print(try Story.hello(topic: true).text())
    }
}

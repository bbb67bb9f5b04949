// Package packngo judges the simulated Packet API by the client that the Packet CCM and its successor were built on.
// PACKET_API_URL, PACKET_API_PROJECT and PACKET_API_SERVER_TOKEN say which server, one that was started with 57 devices.
package packngo

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/packethost/packngo"
)

const seeded = 57

func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set; run this through packngo.sh", name)
	}
	return value
}

func client(t *testing.T, token string) *packngo.Client {
	t.Helper()
	client, err := packngo.NewClientWithBaseURL("judge", token, nil, setting(t, "PACKET_API_URL")+"/")
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func connect(t *testing.T) (*packngo.Client, string) {
	t.Helper()
	return client(t, setting(t, "PACKET_API_SERVER_TOKEN")), setting(t, "PACKET_API_PROJECT")
}

func status(t *testing.T, err error) (int, string) {
	t.Helper()
	var answer *packngo.ErrorResponse
	if !errors.As(err, &answer) {
		t.Fatalf("not an API error: %v", err)
	}
	return answer.Response.StatusCode, strings.Join(append(answer.Errors, answer.SingleError), "")
}

func create(t *testing.T, c *packngo.Client, project, hostname string) *packngo.Device {
	t.Helper()
	device, _, err := c.Devices.Create(&packngo.DeviceCreateRequest{
		Hostname: hostname, Plan: "c3.small.x86", OS: "ubuntu_22_04", Metro: "sv", ProjectID: project,
		BillingCycle: "hourly", Tags: []string{"judged"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Devices.Delete(device.ID, true) })
	return device
}

func TestAllDevicesAreListedAcrossPages(t *testing.T) {
	c, project := connect(t)
	devices, _, err := c.Devices.List(project, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, device := range devices {
		ids[device.ID] = true
	}
	if len(devices) != seeded || len(ids) != seeded {
		t.Fatalf("%d devices of %d distinct ids, not %d", len(devices), len(ids), seeded)
	}
	page, _, err := c.Devices.List(project, &packngo.ListOptions{Page: 6, PerPage: 10})
	if err != nil || len(page) != seeded-50 {
		t.Fatalf("the sixth page of ten has %d devices: %v", len(page), err)
	}
}

func TestADeviceHasWhatACloudControllerManagerReads(t *testing.T) {
	c, project := connect(t)
	devices, _, err := c.Devices.List(project, &packngo.ListOptions{Page: 1, PerPage: 1})
	if err != nil {
		t.Fatal(err)
	}
	device, _, err := c.Devices.Get(devices[0].ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if device.Hostname != "node-0000" || device.State != "active" || device.Plan.Slug != "c3.small.x86" {
		t.Errorf("%s is %s on %s", device.Hostname, device.State, device.Plan.Slug)
	}
	if device.Facility.Code != "ewr1" || device.Metro.Code != "ny" {
		t.Errorf("it is in %s, %s", device.Facility.Code, device.Metro.Code)
	}
	network := device.GetNetworkInfo()
	if network.PublicIPv4 == "" || network.PrivateIPv4 == "" || network.PublicIPv6 == "" {
		t.Errorf("it lacks an address: %+v", network)
	}
	if kind := device.GetNetworkType(); kind != packngo.NetworkTypeL3 {
		t.Errorf("its network is %s", kind)
	}
	if device.Project.ID != "" || device.Project.URL == "" {
		t.Errorf("its project is not a bare reference: %+v", device.Project)
	}
}

func TestNestedResourcesAreIncludedAndExcluded(t *testing.T) {
	c, project := connect(t)
	options := &packngo.GetOptions{Page: 1, PerPage: 1, Includes: []string{"project"}, Excludes: []string{"plan"}}
	devices, _, err := c.Devices.List(project, options)
	if err != nil {
		t.Fatal(err)
	}
	device, _, err := c.Devices.Get(devices[0].ID, options)
	if err != nil {
		t.Fatal(err)
	}
	if device.Project.ID != project || device.Project.Name == "" {
		t.Errorf("the project is not included: %+v", device.Project)
	}
	if device.Plan.Slug != "" || device.Plan.Href == "" {
		t.Errorf("the plan is not excluded: %+v", device.Plan)
	}
}

func TestADeviceIsCreatedUpdatedAndDeleted(t *testing.T) {
	c, project := connect(t)
	device := create(t, c, project, "judged-1")
	if device.Metro.Code != "sv" || device.State != "active" || len(device.Network) != 3 {
		t.Errorf("created in %s as %s with %d addresses", device.Metro.Code, device.State, len(device.Network))
	}
	hostname, tags := "judged-2", []string{"a", "b"}
	updated, _, err := c.Devices.Update(device.ID, &packngo.DeviceUpdateRequest{Hostname: &hostname, Tags: &tags})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Hostname != hostname || len(updated.Tags) != 2 {
		t.Errorf("updated to %s %v", updated.Hostname, updated.Tags)
	}
	if _, err := c.Devices.Delete(device.ID, false); err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Devices.Get(device.ID, nil)
	if code, message := status(t, err); code != http.StatusNotFound || message != "Not found" {
		t.Errorf("a deleted device answers %d %q", code, message)
	}
}

func TestWhatCannotBeCreatedIsRefused(t *testing.T) {
	c, project := connect(t)
	_, _, err := c.Devices.Create(&packngo.DeviceCreateRequest{
		Hostname: "x", Plan: "no.such.plan", OS: "ubuntu_22_04", Metro: "sv", ProjectID: project,
	})
	if code, message := status(t, err); code != http.StatusUnprocessableEntity || !strings.Contains(message, "plan") {
		t.Errorf("refused with %d %q", code, message)
	}
}

func TestDevicesAreFoundByHostnameAndBySearch(t *testing.T) {
	c, project := connect(t)
	create(t, c, project, "needle-7")
	byHostname, _, err := c.Devices.List(project, (&packngo.ListOptions{}).Filter("hostname", "needle"))
	if err != nil || len(byHostname) != 1 || byHostname[0].Hostname != "needle-7" {
		t.Errorf("hostname=needle finds %d: %v", len(byHostname), err)
	}
	bySearch, _, err := c.Devices.List(project, &packngo.ListOptions{Search: "judged"})
	if err != nil || len(bySearch) != 1 {
		t.Errorf("search=judged finds %d: %v", len(bySearch), err)
	}
	all, _, err := c.Devices.List(project, (&packngo.ListOptions{}).Filter("hostname", "node-005"))
	if err != nil || len(all) != 7 {
		t.Errorf("hostname=node-005 finds %d: %v", len(all), err)
	}
}

func TestFacilitiesMetrosAndPlansAreListed(t *testing.T) {
	c, _ := connect(t)
	facilities, _, err := c.Facilities.List(&packngo.ListOptions{Includes: []string{"address"}})
	if err != nil {
		t.Fatal(err)
	}
	metroOf := map[string]*packngo.Metro{}
	for _, facility := range facilities {
		metroOf[facility.Code] = facility.Metro
		if facility.Address == nil || facility.Address.ZipCode == "" {
			t.Errorf("%s has no address", facility.Code)
		}
	}
	if metroOf["ny5"] == nil || metroOf["ny5"].Code != "ny" {
		t.Errorf("ny5 is in %v", metroOf["ny5"])
	}
	if old, there := metroOf["sjc1"]; !there || old != nil {
		t.Errorf("sjc1 is in %v", old)
	}
	metros, _, err := c.Metros.List(nil)
	if err != nil || len(metros) < 20 {
		t.Errorf("%d metros: %v", len(metros), err)
	}
	plans, _, err := c.Plans.List(nil)
	if err != nil || len(plans) == 0 {
		t.Fatalf("%d plans: %v", len(plans), err)
	}
	if plans[0].Slug == "" || plans[0].Specs.Memory.Total == "" || plans[0].Pricing.Hour == 0 {
		t.Errorf("a plan lacks something: %+v", plans[0])
	}
}

func TestTheProjectIsThereAndAnotherIsNot(t *testing.T) {
	c, project := connect(t)
	found, _, err := c.Projects.Get(project, nil)
	if err != nil || found.ID != project || found.Name == "" {
		t.Errorf("%+v: %v", found, err)
	}
	_, _, err = c.Projects.Get("00000000-0000-4000-8000-000000000001", nil)
	if code, _ := status(t, err); code != http.StatusNotFound {
		t.Errorf("another project answers %d", code)
	}
}

func TestAddressesAreReservedAssignedAndGivenBack(t *testing.T) {
	c, project := connect(t)
	device := create(t, c, project, "with-address")
	metro := "sv"
	block, _, err := c.ProjectIPs.Create(project, &packngo.IPReservationCreateRequest{
		Type: packngo.PublicIPv4, Quantity: 2, Metro: &metro, Tags: []string{"judged"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if block.CIDR != 31 || block.State != packngo.IPReservationStateCreated || block.Metro.Code != "sv" {
		t.Errorf("reserved %+v", block)
	}
	listed, _, err := c.ProjectIPs.List(project, nil)
	if err != nil || len(listed) == 0 {
		t.Fatalf("%d reservations: %v", len(listed), err)
	}
	assignment, _, err := c.DeviceIPs.Assign(device.ID, &packngo.AddressStruct{Address: block.Network + "/32"})
	if err != nil || assignment.Address != block.Network || !strings.HasSuffix(assignment.AssignedTo.Href, device.ID) {
		t.Fatalf("assigned %+v: %v", assignment, err)
	}
	addresses, _, err := c.DeviceIPs.List(device.ID, nil)
	if err != nil || len(addresses) != 4 {
		t.Errorf("%d addresses: %v", len(addresses), err)
	}
	if _, err := c.DeviceIPs.Unassign(assignment.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.ProjectIPs.Delete(block.ID); err != nil {
		t.Error(err)
	}
	_, _, err = c.ProjectIPs.Get(block.ID, nil)
	if code, _ := status(t, err); code != http.StatusNotFound {
		t.Errorf("a deleted reservation answers %d", code)
	}
}

func TestAWrongTokenIsRefused(t *testing.T) {
	_, project := connect(t)
	_, _, err := client(t, "wrong").Projects.Get(project, nil)
	if code, message := status(t, err); code != http.StatusUnauthorized || message != "Invalid authentication token" {
		t.Errorf("refused with %d %q", code, message)
	}
}
